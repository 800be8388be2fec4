"""What became of the requests of a load, by operation."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ANSWERED = "answered"
LOST = "lost"
"""Neither an answer nor an error of the contract."""


@dataclass(frozen=True)
class Outcome:
    """One request. Seconds count from when it was due, whether or not it was sent by then."""

    operation: str
    transport: str
    kind: str
    """``ANSWERED``, ``LOST`` or the kind of the error."""
    seconds: float
    first_token: float | None = None
    """Seconds to the first progress of a streamed answer; None where there was none."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of them do not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each operation and one for all, in milliseconds."""
    names = [*dict.fromkeys(outcome.operation for outcome in outcomes)]
    lines = [
        f"{'':22} {'requests':>8} {'answered':>8} {'errors':>7} {'lost':>5} "
        f"{'p50':>7} {'p95':>7} {'p99':>7} {'first token p50':>16} {'p95':>7}"
    ]
    for name in sorted(names):
        lines.append(_line(name, [each for each in outcomes if each.operation == name]))
    lines.append(_line("all", outcomes))
    kinds = Counter(each.kind for each in outcomes if each.kind != ANSWERED)
    lines += [f"{count} x {kind}" for kind, count in kinds.most_common()]
    return "\n".join(lines)


def summary(outcomes: Sequence[Outcome], seconds: float) -> dict[str, float | None]:
    """What the last line tells of a load of ``seconds``."""
    answered = [each.seconds for each in outcomes if each.kind == ANSWERED]
    first = [each.first_token for each in outcomes if each.first_token is not None]
    lost = sum(each.kind == LOST for each in outcomes)
    return {
        "requests": len(outcomes),
        "answered": len(answered),
        "typed_errors": len(outcomes) - len(answered) - lost,
        "lost": lost,
        "answered_per_second": round(len(answered) / seconds, 3),
        "p50_ms": _rounded(percentile(answered, 0.5)),
        "p95_ms": _rounded(percentile(answered, 0.95)),
        "p99_ms": _rounded(percentile(answered, 0.99)),
        "first_token_p50_ms": _rounded(percentile(first, 0.5)),
        "first_token_p95_ms": _rounded(percentile(first, 0.95)),
    }


def _line(name: str, outcomes: Sequence[Outcome]) -> str:
    told = summary(outcomes, 1.0)
    numbers = [told[f"{column}_ms"] for column in ("p50", "p95", "p99")]
    first = [told[f"first_token_{column}_ms"] for column in ("p50", "p95")]
    shown = ["–" if number is None else f"{number:.0f}" for number in (*numbers, *first)]
    return (
        f"{name:22} {told['requests']:8} {told['answered']:8} {told['typed_errors']:7} "
        f"{told['lost']:5} {shown[0]:>7} {shown[1]:>7} {shown[2]:>7} {shown[3]:>16} {shown[4]:>7}"
    )


def _rounded(seconds: float) -> float | None:
    return None if math.isnan(seconds) else round(1000 * seconds, 1)
