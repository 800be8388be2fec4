"""What became of every request of a soak: answered rightly, a typed error, lost, or worse."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from molmo2_client import Molmo2Error
from molmo2_contract.results import Result

SAME = 1e-3
"""Largest difference between values of two embeddings: the company that a video has in a batch
changes the order in which numbers are added."""

_OF_THE_MOMENT = {"timing", "usage"}


@dataclass(frozen=True)
class Answer:
    """The request ids that came with an answer, and its results in their order."""

    request_ids: list[str]
    results: Sequence[Result]


@dataclass
class Account:
    """Counts outcomes; may be used from many threads."""

    lock: Lock = field(default_factory=Lock)
    counts: Counter[str] = field(default_factory=Counter)
    """``answered``, ``typed_errors``, ``lost``, ``duplicated`` and ``wrong``."""
    kinds: Counter[str] = field(default_factory=Counter)
    said: dict[str, str] = field(default_factory=dict)
    """What the first of each kind said."""

    def request(self, request_id: str, truth: Sequence[Result], ask: Callable[[], Answer]) -> None:
        """Asks, and notes what came of it.

        An answer of which an operation failed is a typed error, as the whole request's would be.
        One under another id, or under none or two, is a duplicate; one that says something else
        than ``truth`` is wrong. An exception that is no error of the contract loses the request.
        """
        try:
            answer = ask()
        except Molmo2Error as error:
            self._note("typed_errors", error.kind.value, str(error))
        except Exception as error:
            self._note("lost", type(error).__name__, str(error))
        else:
            errors = [result.error for result in answer.results if result.error is not None]
            if answer.request_ids != [request_id]:
                self._note("duplicated", "duplicated", f"{request_id}: {answer.request_ids}")
            elif errors:
                self._note("typed_errors", errors[0].kind.value, errors[0].message)
            elif not agree(answer.results, truth):
                self._note("wrong", "wrong", str(answer.results))
            else:
                self._note("answered")

    def _note(self, outcome: str, kind: str | None = None, said: str = "") -> None:
        with self.lock:
            self.counts[outcome] += 1
            if kind is not None:
                self.kinds[kind] += 1
                self.said.setdefault(kind, said)


def agree(told: Sequence[Result], truth: Sequence[Result]) -> bool:
    """Whether two answers say the same, but for times and what was held already."""
    return len(told) == len(truth) and all(map(_agrees, told, truth))


def _agrees(told: Result, truth: Result) -> bool:
    mine = told.model_dump(exclude=_OF_THE_MOMENT)
    right = truth.model_dump(exclude=_OF_THE_MOMENT)
    values, right_values = mine.pop("embedding", []), right.pop("embedding", [])
    return (
        mine == right
        and len(values) == len(right_values)
        and all(abs(a - b) <= SAME for a, b in zip(values, right_values, strict=True))
    )
