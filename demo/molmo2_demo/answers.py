"""The model's answers as they stand in the dataset after labelling."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.results import Position

if TYPE_CHECKING:
    import fiftyone as fo

LABEL_FIELD = "molmo2"


@dataclass(frozen=True)
class Answers:
    """What one sample holds; ``statuses`` and ``texts`` by operation (embedding has no text)."""

    statuses: dict[str, str]
    texts: dict[str, str]
    points: list[Position]
    tracks: list[list[Position]]


def read_answers(sample: "fo.Sample") -> Answers:
    """Points and tracks from the frames' labels, statuses and texts from the run record."""
    run = sample[f"{LABEL_FIELD}_run"]
    outcomes = {name: run[name] for name in OPERATION_NAMES if run and run[name]}
    tracks: dict[int, list[Position]] = {}
    for track, position in _positions(sample, f"{LABEL_FIELD}_tracks"):
        tracks.setdefault(track, []).append(position)
    return Answers(
        statuses={name: outcome.status for name, outcome in outcomes.items()},
        texts={name: getattr(outcome, "text", None) or "" for name, outcome in outcomes.items()},
        points=[position for _, position in _positions(sample, f"{LABEL_FIELD}_points")],
        tracks=list(tracks.values()),
    )


def _positions(sample: "fo.Sample", field: str) -> Iterator[tuple[int, Position]]:
    """Every keypoint that the model gave, with its index; none that was interpolated."""
    for number, frame in sample.frames.items():
        given = frame[field].keypoints if frame[field] else ()
        for keypoint in (each for each in given if not each.interpolated):
            x, y = keypoint.points[0]
            yield keypoint.index, Position(time=keypoint.time, frame=number, x=x, y=y)
