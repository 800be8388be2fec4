"""What the demo prints: what was asked and found, and how well this small model does."""

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from molmo2_demo.outcome import Outcome
from molmo2_demo.score import Tally

MODEL_CARD = Path(__file__).parents[1] / "checkpoint" / "MODEL_CARD.md"

_FIGURES = "## How well it does"


def print_report(outcome: Outcome, console: Console) -> None:
    """Tables of what was asked and found, and the honest figures."""
    for table in (_by_video(outcome), _descriptions(outcome), _by_operation(outcome)):
        console.print(table)
    points, tracks = outcome.points, outcome.tracks
    console.print(
        f"In this run {_share(points)} points and {_share(tracks)} positions of tracks lie within "
        "5 % of the frame of the true centre: the model is small and sees coloured shapes only. "
        "The server, the clients and the labels are the same for the released checkpoints. From "
        "its model card:\n",
        highlight=False,
    )
    console.print(Markdown(model_card_figures()))
    console.print()


def model_card_figures() -> str:
    """The model card's section with the rates that were measured."""
    _, _, after = MODEL_CARD.read_text().partition(_FIGURES)
    figures, _, _ = after.partition("\n## ")
    return figures.strip()


def _by_video(outcome: Outcome) -> Table:
    table = Table("video", "format", "over", "asked for", "points hit", "tracks hit")
    for video in outcome.videos:
        table.add_row(
            video.truth.video,
            str(video.truth.video_format),
            video.transport,
            video.truth.prompt,
            _share(video.points),
            _share(video.tracks),
        )
    return table


def _descriptions(outcome: Outcome) -> Table:
    table = Table("video", "described as")
    for video in outcome.videos:
        table.add_row(video.truth.video, escape(video.answers.texts.get("describe", "")))
    return table


def _by_operation(outcome: Outcome) -> Table:
    table = Table("operation", "answers")
    for asked in outcome.videos[0].truth.operations:
        counts = Counter(video.status(asked.operation) for video in outcome.videos)
        said = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        table.add_row(asked.operation, said)
    return table


def _share(tally: Tally) -> str:
    return f"{tally.hits} of {tally.possible}"
