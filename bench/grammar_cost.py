"""What grammars cost a step: the time spent in them, beside that of the steps they are part of."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from in_process import InProcess, Question

from molmo2_contract.operations import Comprehensive, Pointing, TemporalLocalization, Tracking
from molmo2_engine.generation.grammar import Constraint, TokenMasks
from molmo2_engine.prompt.media import VideoFrames

FORMED = [
    Pointing(prompt="shapes"),
    Tracking(prompt="shapes"),
    TemporalLocalization(),
    Comprehensive(),
]
STEPS = 10
"""In which none of these answers ends; the shortest has 25 tokens."""


def grammar_cost(videos: list[VideoFrames]) -> tuple[float, float]:
    """Seconds of a step in which four operations on each video write under grammars, and the part
    of it in which masks are found and tokens taken. The masking itself is one operation."""
    questions = [Question(video, FORMED) for video in videos]
    with _seconds_in((TokenMasks, "allowed"), (Constraint, "take")) as spent:
        engine = InProcess(constrained=True, decode_share=0)
        step = engine.decode_step(questions, STEPS, before=spent.clear)
    return step, sum(spent) / STEPS


@contextmanager
def _seconds_in(*methods: tuple[type, str]) -> Iterator[list[float]]:
    """The seconds that each call of ``methods`` takes, while this lasts."""
    spent: list[float] = []
    originals = [(owner, name, getattr(owner, name)) for owner, name in methods]
    for owner, name, method in originals:
        setattr(owner, name, _timed(method, spent))
    try:
        yield spent
    finally:
        for owner, name, method in originals:
            setattr(owner, name, method)


def _timed(method, spent: list[float]):
    def call(*arguments):
        began = time.perf_counter()
        try:
            return method(*arguments)
        finally:
            spent.append(time.perf_counter() - began)

    return call
