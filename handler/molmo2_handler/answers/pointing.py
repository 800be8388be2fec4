"""Reads the answer to ``pointing``."""

from molmo2_contract.operations import Pointing
from molmo2_contract.results import Point, PointingResult
from molmo2_handler.answers.blocks import Block, losses_of, read_blocks
from molmo2_handler.answers.coordinates import SpokenPoint
from molmo2_handler.answers.losses import Losses
from molmo2_handler.answers.phrases import (
    says_nothing_there,
    stated_count,
    without_open_number,
)
from molmo2_handler.answers.timeline import Timeline
from molmo2_handler.answers.verdict import Findings, Verdict, judge


def read_pointing(
    operation: Pointing, text: str, truncated: bool, timeline: Timeline
) -> PointingResult:
    """Every point with its id as given; one without a label is labelled with the prompt."""
    blocks = read_blocks(text)
    points = [
        _point(spoken, block.label or operation.prompt, timeline)
        for block in blocks
        for spoken in block.points
    ]
    verdict, count = judge_points(text, truncated, blocks, losses_of(blocks), kept=len(points))
    return PointingResult(
        status=verdict.status,
        reason=verdict.reason,
        text=text,
        finish_reason=verdict.finish_reason,
        points=points,
        count=count,
    )


def judge_points(
    text: str, truncated: bool, blocks: list[Block], losses: Losses, kept: int
) -> tuple[Verdict, int]:
    """The verdict on an answer of which ``kept`` points were kept, and the count that it states."""
    count = stated_count(without_open_number(text) if truncated else text)
    findings = Findings(
        expected="points",
        found=bool(kept or count),
        nothing_there=bool(blocks) or count == 0 or says_nothing_there(text),
        complete=not any(block.cut for block in blocks),
        losses=losses.sentences(kept),
    )
    return judge(text, truncated, findings), kept if count is None else count


def _point(spoken: SpokenPoint, label: str, timeline: Timeline) -> Point:
    time, frame = timeline.place(spoken.time)
    return Point(time=time, frame=frame, id=spoken.id, x=spoken.x, y=spoken.y, label=label)
