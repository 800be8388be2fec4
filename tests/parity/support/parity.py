"""Compares our engine with what the reference answered: ``make parity``.

The last line is one JSON object.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from engine_run import EngineUnderTest
from numpy.typing import NDArray
from parity_cases import CASES, Answer, Case, load, logit_bound

TRAINED = "trained"
"""The checkpoint that is not random."""

AGREEMENT_BOUND = 0.99


@dataclass(frozen=True)
class Row:
    """How one case compares."""

    case: Case
    ids_equal: bool
    pixels_equal: bool
    tokens_equal: bool
    logit_difference: float
    told_apart: list[bool]
    """Of each token in bfloat16: whether the reference tells its likeliest two apart."""
    agreed: list[bool]
    """Of each: whether both sides find the same token the likeliest."""
    rounded: list[bool]
    """The same with weights of a byte each on our side (``quantization: int8``)."""


@dataclass(frozen=True)
class Compared:
    """Both sides' answers about one checkpoint."""

    name: str
    reference: dict[str, Answer]
    rows: list[Row]

    @property
    def furthest(self) -> float:
        """The largest difference of logits."""
        return max(row.logit_difference for row in self.rows)


def compare(checkpoint: Path, reference: dict[str, Answer]) -> list[Row]:
    """Asks our engine every case, in float32 and in bfloat16."""
    torch.set_num_threads(2)
    exact = EngineUnderTest(checkpoint, "float32")
    rough = EngineUnderTest(checkpoint, "bfloat16")
    rounded = EngineUnderTest(checkpoint, "bfloat16", "int8")
    return [_row(case, reference[case.name], exact, rough, rounded) for case in CASES]


def _row(
    case: Case,
    expected: Answer,
    exact: EngineUnderTest,
    rough: EngineUnderTest,
    rounded: EngineUnderTest,
) -> Row:
    ours = exact.answer(case)

    def agreed(engine: EngineUnderTest) -> list[bool]:
        choices = engine.choices(case, expected.tokens)
        return [a == b for a, b in zip(choices, expected.choices, strict=True)]

    return Row(
        case=case,
        ids_equal=ours.ids == expected.ids,
        pixels_equal=ours.pixels == expected.pixels,
        tokens_equal=ours.tokens == expected.tokens,
        logit_difference=_difference(ours.logits, expected.logits),
        told_apart=expected.told_apart,
        agreed=agreed(rough),
        rounded=agreed(rounded),
    )


def _difference(ours: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest, over every step, or over the first and the last where only those are kept."""
    if len(expected) == 2 != len(ours):
        ours = ours[[0, -1]]
    if ours.shape != expected.shape:
        return float("inf")
    return float(np.abs(ours - expected).max())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "pairs", nargs="+", type=Path, help="checkpoint folder, file of the reference's answers, …"
    )
    paths = parser.parse_args().pairs
    found: list[Compared] = []
    for checkpoint, answers in zip(paths[::2], paths[1::2], strict=True):
        print(f"\n{checkpoint.name}")
        reference = load(answers)
        found.append(Compared(checkpoint.name, reference, compare(checkpoint, reference)))
        _print_rows(found[-1].rows)
    print("\nall")
    rows = [row for one in found for row in one.rows]
    agreement = _print_agreement(rows)
    equal = {
        "pixels_equal": all(row.pixels_equal for row in rows),
        "ids_equal": all(row.ids_equal for row in rows),
        "tokens_equal": all(row.tokens_equal for row in rows),
    }
    print(json.dumps(equal | _distances(found)))
    close = all(one.furthest <= logit_bound(one.reference.values()) for one in found)
    return 0 if all(equal.values()) and close and agreement >= AGREEMENT_BOUND else 1


def _distances(found: list[Compared]) -> dict[str, float]:
    """Of the random checkpoints together, and of the trained one beside the reference's own."""
    (trained,) = [one for one in found if one.name == TRAINED]
    return {
        "max_logit_difference": max(one.furthest for one in found if one is not trained),
        "trained_logit_difference": trained.furthest,
        "trained_reference_rounding": max(a.rounding for a in trained.reference.values()),
    }


def _print_rows(rows: list[Row]) -> None:
    for row in rows:
        _print(row)
    _print_agreement(rows)


def _print(row: Row) -> None:
    marks = ("pixels", row.pixels_equal), ("ids", row.ids_equal), ("tokens", row.tokens_equal)
    equal = "  ".join(f"{name} {'equal' if same else 'DIFFER'}" for name, same in marks)
    print(
        f"  {row.case.name:28}{equal}  logits {row.logit_difference:.1e}  "
        f"bfloat16 {sum(row.agreed)}/{len(row.agreed)}  int8 {sum(row.rounded)}/{len(row.rounded)}"
    )


def _print_agreement(rows: list[Row]) -> float:
    """Returns bfloat16's share of the tokens that the reference can tell apart in bfloat16."""
    _print_share("int8    ", rows, [row.rounded for row in rows])
    return _print_share("bfloat16", rows, [row.agreed for row in rows])


def _print_share(name: str, rows: list[Row], agreed: list[list[bool]]) -> float:
    every = [same for one in agreed for same in one]
    apart = [
        same
        for row, one in zip(rows, agreed, strict=True)
        for same, told_apart in zip(one, row.told_apart, strict=True)
        if told_apart
    ]
    print(
        f"  {name}: {sum(every)} of {len(every)} tokens are the same ({np.mean(every):.4f}); of "
        f"those that the reference tells apart, {sum(apart)} of {len(apart)} ({np.mean(apart):.4f})"
    )
    return float(np.mean(apart))


if __name__ == "__main__":
    sys.exit(main())
