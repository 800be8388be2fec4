"""The passes of the model that a step makes: which sequences, and how much each of them reads."""

from dataclasses import dataclass

from molmo2_engine.loop.job import Sequence


@dataclass(frozen=True)
class Pass:
    """Reads what these sequences have not read, of each at most the first ``most`` tokens."""

    sequences: list[Sequence]
    most: int | None = None

    def tokens(self) -> list[list[int]]:
        """What each sequence reads."""
        return [sequence.unread[: self.most] for sequence in self.sequences]

    def one_by_one(self) -> list["Pass"]:
        """The same, a pass for each sequence."""
        return [Pass([sequence], self.most) for sequence in self.sequences]


def plan_passes(running: list[Sequence], max_step_tokens: int) -> list[Pass]:
    """Those that begin take turns; all others read a token, or the text that was forced on them.

    Forced text is read in a pass of its own where that spares more tokens than the other sequences
    then wait for; else a token a step, with them.
    """
    starting = [sequence for sequence in running if not sequence.begun]
    going_on = [sequence for sequence in running if sequence.begun]
    forced = [sequence for sequence in going_on if len(sequence.unread) > 1]
    planned = [Pass(_within(max_step_tokens, starting))]
    spared = sum(len(sequence.unread) - 1 for sequence in forced)
    if spared > len(going_on) - len(forced):
        planned.append(Pass(_within(max_step_tokens, forced)))
        going_on = [sequence for sequence in going_on if len(sequence.unread) == 1]
    planned.append(Pass(going_on, most=1))
    return [each for each in planned if each.sequences]


def _within(max_tokens: int, sequences: list[Sequence]) -> list[Sequence]:
    """The first ones whose padded tokens are no more than that; at least one."""
    taken: list[Sequence] = []
    longest = 0
    for sequence in sequences:
        longest = max(longest, len(sequence.unread))
        if taken and longest * (len(taken) + 1) > max_tokens:
            break
        taken.append(sequence)
    return taken
