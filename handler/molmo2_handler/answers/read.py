"""Reads the answer to any operation that generates text."""

from typing import assert_never

from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    GeneratedOperation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.results import GeneratedResult
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers.comprehensive import read_comprehensive
from molmo2_handler.answers.describing import read_describe
from molmo2_handler.answers.localization import read_temporal_localization
from molmo2_handler.answers.pointing import read_pointing
from molmo2_handler.answers.timeline import Timeline
from molmo2_handler.answers.tracking import read_tracking


def read_answer(
    operation: GeneratedOperation, text: str, truncated: bool, video: VideoInfo
) -> GeneratedResult:
    """The result of ``operation`` from the model's ``text``.

    ``truncated`` says that the token limit ended the text. ``usage`` and ``timing`` stay None: the
    caller knows them. Whatever the text holds, nothing is raised over it.

    Raises:
        ValueError: ``video`` has no sampled frames.
    """
    timeline = Timeline(video)
    match operation:
        case Pointing():
            return read_pointing(operation, text, truncated, timeline)
        case Tracking():
            return read_tracking(operation, text, truncated, timeline)
        case Describe():
            return read_describe(operation, text, truncated)
        case TemporalLocalization():
            return read_temporal_localization(text, truncated, timeline)
        case Comprehensive():
            return read_comprehensive(text, truncated, timeline)
        case _:
            assert_never(operation)
