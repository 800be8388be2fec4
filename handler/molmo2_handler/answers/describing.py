"""Reads the answer to ``describe``: free text, or JSON that follows the caller's schema."""

import json
import math
from typing import Any

from molmo2_contract.json_schema import is_deeper
from molmo2_contract.operations import Describe
from molmo2_contract.results import DescribeResult, Status
from molmo2_handler.answers.json_answer import MAX_DEPTH
from molmo2_handler.answers.verdict import Findings, judge

_TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep; bound its depth in the schema"


def read_describe(operation: Describe, text: str, truncated: bool) -> DescribeResult:
    """The text without the space around it, and its data if a schema was given.

    To describe nothing is an empty answer, not a fault; of JSON that is cut off there is no data.
    """
    if operation.json_schema is not None:
        return _read_json(text, truncated)
    answer = text.strip()
    verdict = judge(text, truncated, Findings("text", found=bool(answer), nothing_there=False))
    return DescribeResult(
        status=verdict.status if answer else Status.EMPTY,
        reason=verdict.reason if answer else None,
        text=answer,
        finish_reason=verdict.finish_reason,
    )


def _read_json(text: str, truncated: bool) -> DescribeResult:
    try:
        data = None if truncated else _load(text)
        findings = Findings("a whole JSON value", found=not truncated, nothing_there=False)
    except ValueError as error:
        data = None
        findings = Findings("", found=False, nothing_there=False, losses=[f"no data: {error}"])
    verdict = judge(text, truncated, findings)
    return DescribeResult(
        status=verdict.status,
        reason=verdict.reason,
        text=text,
        finish_reason=verdict.finish_reason,
        data=data,
    )


def _load(text: str) -> Any:
    """The JSON in ``text``.

    Raises:
        ValueError: it is no JSON, or holds what a result cannot carry.
    """
    try:
        data = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if is_deeper(data, MAX_DEPTH):
        raise ValueError(_TOO_DEEP)
    return data


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError("it holds a number too large for a float; bound it in the schema")
    return number
