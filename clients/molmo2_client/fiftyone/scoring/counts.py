"""Counts: the number that an answer states, and how near it must come."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_STATED = re.compile(
    r"\ba total of (?P<total>\d+)|\bthe total number(?: of .+?)? is: *(?P<number>\d+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Counts:
    """Shares of videos, from 0 to 1.

    ``exact``: with the right number; ``close``: off by no more than ``margin`` of it.
    """

    exact: float
    close: float


def stated_count(text: str | None) -> int | None:
    """The number that a text is, or that it states as "a total of N"; None if it has none."""
    bare = (text or "").strip().rstrip(".").strip()
    if re.fullmatch(r"[+-]?\d+", bare):
        return int(bare)
    stated = _STATED.search(bare)
    return int(stated["total"] or stated["number"]) if stated else None


def margin(true: int) -> int:
    """By how much a close count may be off: 1, and 1 more for every 20 things."""
    return 1 + true // 20


def score_counts(counts: Iterable[tuple[int | None, int]]) -> Counts | None:
    """Of pairs of the answered and the true number, one a video; None of none."""
    off = [(None if said is None else abs(said - true), margin(true)) for said, true in counts]
    if not off:
        return None
    return Counts(
        exact=float(np.mean([miss == 0 for miss, _ in off])),
        close=float(np.mean([miss is not None and miss <= most for miss, most in off])),
    )
