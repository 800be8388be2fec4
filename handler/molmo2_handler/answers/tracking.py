"""Reads the answer to ``tracking``."""

from collections.abc import Iterable

from molmo2_contract.operations import Tracking
from molmo2_contract.results import Position, Track, TrackingResult
from molmo2_handler.answers.blocks import Block, losses_of, read_blocks
from molmo2_handler.answers.coordinates import SpokenPoint
from molmo2_handler.answers.losses import Losses
from molmo2_handler.answers.phrases import says_nothing_there
from molmo2_handler.answers.timeline import Timeline
from molmo2_handler.answers.verdict import Findings, judge

REPEATED = "of a track that already had one at that time"


def read_tracking(
    operation: Tracking, text: str, truncated: bool, timeline: Timeline
) -> TrackingResult:
    """One track for each label and id, in the order in which they first appear.

    Of two positions of one track at one time the first is kept. Tags with the same label, or
    without one, which the prompt then labels, are one answer: their ids mean the same objects.
    """
    blocks = read_blocks(text)
    losses = losses_of(blocks)
    tracks = _tracks(blocks, operation.prompt, losses, timeline)
    findings = Findings(
        expected="tracks",
        found=bool(tracks),
        nothing_there=bool(blocks) or says_nothing_there(text),
        complete=not any(block.cut for block in blocks),
        losses=losses.sentences(kept=sum(len(track.points) for track in tracks)),
    )
    verdict = judge(text, truncated, findings)
    return TrackingResult(
        status=verdict.status,
        reason=verdict.reason,
        text=text,
        finish_reason=verdict.finish_reason,
        tracks=tracks,
    )


def _tracks(blocks: list[Block], prompt: str, losses: Losses, timeline: Timeline) -> list[Track]:
    found: dict[tuple[str, int], dict[float | None, SpokenPoint]] = {}
    for block in blocks:
        for point in block.points:
            by_time = found.setdefault((block.label or prompt, point.id), {})
            if point.time in by_time:
                losses.add(REPEATED)
            else:
                by_time[point.time] = point
    return [
        Track(id=number, label=label, points=_positions(by_time.values(), timeline))
        for (label, number), by_time in found.items()
    ]


def _positions(points: Iterable[SpokenPoint], timeline: Timeline) -> list[Position]:
    """In order of time, whatever the order of the text."""
    placed = []
    for point in points:
        time, frame = timeline.place(point.time)
        placed.append(Position(time=time, frame=frame, x=point.x, y=point.y))
    return sorted(placed, key=lambda position: position.time)
