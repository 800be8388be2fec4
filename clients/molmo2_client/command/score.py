"""``molmo2 score``: a labelled dataset against ground truth."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from molmo2_client.command import options
from molmo2_client.command.running import end
from molmo2_client.command.samples import load_view

EXAMPLES = """
Examples:

  molmo2 score clips --tracks frames.ground_truth

  molmo2 score clips --points frames.ground_truth --events true_events --json

  molmo2 score clips --counts true_count

Points must lie in a true object's mask or box, or near a true keypoint. Points, counts and tracks
are measured as in Molmo2's own evaluation; docs/quality.md has what the released checkpoints reach
by it, and where the two differ.
"""


def score(
    dataset: Annotated[str, typer.Argument(help="Name of a labelled FiftyOne dataset.")],
    points: Annotated[
        str | None, typer.Option(help="True objects of pointing: frames.FIELD.")
    ] = None,
    counts: Annotated[
        str | None, typer.Option(help="True number of what describe was to count: FIELD.")
    ] = None,
    tracks: Annotated[
        str | None, typer.Option(help="True objects with identities: frames.FIELD.")
    ] = None,
    events: Annotated[str | None, typer.Option(help="True events: FIELD.")] = None,
    label_field: Annotated[str, typer.Option(help="Where the answers are.")] = "molmo2",
    reach: Annotated[
        float, typer.Option(min=0, max=1, help="Of a true keypoint, as a fraction of the frame.")
    ] = 0.05,
    least_overlap: Annotated[
        float, typer.Option(min=0, max=1, help="Of events: intersection over union.")
    ] = 0.5,
    view: options.View = None,
    max_samples: options.MaxSamples = None,
    as_json: options.AsJson = None,
) -> None:
    """Compares points, counts, tracks and events with ground truth."""
    samples = load_view(dataset, view, max_samples)
    try:
        scores = _score_dataset(
            samples,
            label_field=label_field,
            points=points,
            counts=counts,
            tracks=tracks,
            events=events,
            reach=reach,
            least_overlap=least_overlap,
        )
    except ValueError as error:
        end(str(error))
    found = {name: value for name, value in asdict(scores).items() if value is not None}
    if options.wants_json(as_json):
        typer.echo(json.dumps(found))
    else:
        Console().print(_table(found))


def _score_dataset(samples: Any, **how: Any) -> Any:
    from molmo2_client.fiftyone import scoring

    return scoring.score_dataset(samples, **how)


def _table(found: dict[str, Any]) -> Table:
    table = Table("measure", "value")
    for name, value in found.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in parts:
            label = name if part in ("", name) else f"{name} {part}"
            table.add_row(label, f"{number:.3f}" if isinstance(number, float) else str(number))
    return table
