"""The status of a result and the reason for it."""

from dataclasses import dataclass, field

from molmo2_contract.results import FinishReason, Status


@dataclass(frozen=True)
class Findings:
    """What reading an answer brought.

    Attributes:
        expected: what an answer should have held, for the reason when it does not.
        found: whether anything was read.
        nothing_there: whether the model says that there is nothing.
        complete: False where the answer ends inside a tag or a JSON value.
        losses: sentences about what was found and dropped.
    """

    expected: str
    found: bool
    nothing_there: bool
    complete: bool = True
    losses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """How an operation ended, as its result states it."""

    status: Status
    reason: str | None
    finish_reason: FinishReason


def judge(text: str, truncated: bool, findings: Findings) -> Verdict:
    """The verdict on the answer ``text``; ``truncated`` says that the token limit ended it.

    A cut-off answer is ``partial`` even if it held nothing whole yet, and so is an answer of which
    something could not be kept. A finished answer of which nothing could be kept is ``unparsed``,
    and so is an empty one: ``empty`` is what the model says, never what we failed to read.
    """
    finish_reason = FinishReason.LENGTH if truncated else FinishReason.STOP
    status, reasons = _status(text, truncated, findings)
    return Verdict(status, "; ".join(reasons) or None, finish_reason)


def _status(text: str, truncated: bool, findings: Findings) -> tuple[Status, list[str]]:
    if not text.strip():
        return Status.UNPARSED, ["the answer is empty"]
    if truncated:
        before = "" if findings.found else f" before it held {findings.expected}"
        return Status.PARTIAL, [f"the token limit cut the answer off{before}", *findings.losses]
    breaks_off = [] if findings.complete else ["the answer breaks off or is malformed"]
    losses = breaks_off + findings.losses
    if findings.found:
        return (Status.PARTIAL if losses else Status.OK), losses
    if losses:
        return Status.UNPARSED, losses
    if findings.nothing_there:
        return Status.EMPTY, []
    return Status.UNPARSED, [f"the answer does not hold {findings.expected}"]
