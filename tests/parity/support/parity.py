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
from parity_cases import CASES, LOGIT_BOUND, Answer, Case, load

AGREEMENT_BOUND = 0.99


@dataclass(frozen=True)
class Row:
    """How one case compares."""

    case: Case
    ids_equal: bool
    pixels_equal: bool
    tokens_equal: bool
    logit_difference: float
    agreed: list[bool]
    """Of each token in bfloat16: whether both sides find the same one the likeliest."""
    rounded: list[bool]
    """The same with weights of a byte each on our side (``quantization: int8``)."""
    by_step: list[bool]
    """The same of the reference and itself, with its cache and without."""


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
        agreed=agreed(rough),
        rounded=agreed(rounded),
        by_step=[a == b for a, b in zip(expected.choices_by_step, expected.choices, strict=True)],
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
    rows: list[Row] = []
    for checkpoint, answers in zip(paths[::2], paths[1::2], strict=True):
        print(f"\n{checkpoint.name}")
        found = compare(checkpoint, load(answers))
        _print_rows(found)
        rows += found
    print("\nall")
    agreements = _print_agreement(rows)
    equal = {
        "pixels_equal": all(row.pixels_equal for row in rows),
        "ids_equal": all(row.ids_equal for row in rows),
        "tokens_equal": all(row.tokens_equal for row in rows),
    }
    furthest = max(row.logit_difference for row in rows)
    print(json.dumps(equal | {"max_logit_difference": furthest} | agreements))
    close = furthest <= LOGIT_BOUND
    agree = agreements["bfloat16_agreement"] >= AGREEMENT_BOUND
    return 0 if all(equal.values()) and close and agree else 1


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


def _print_agreement(rows: list[Row]) -> dict[str, float]:
    """Returns the shares in bfloat16: ours, and the reference's with itself."""
    _print_share("int8", [row.rounded for row in rows])
    return {
        "bfloat16_agreement": _print_share("bfloat16", [row.agreed for row in rows]),
        "reference_agreement": _print_share("reference by step", [row.by_step for row in rows]),
    }


def _print_share(name: str, agreed: list[list[bool]]) -> float:
    every = [same for one in agreed for same in one]
    share = float(np.mean(every))
    print(f"  {name:18}{sum(every)} of {len(every)} tokens are the same ({share:.4f})")
    return share


if __name__ == "__main__":
    sys.exit(main())
