"""Where one answer stands in its grammar."""

from llguidance import LLMatcher


class GrammarFailed(Exception):
    """The grammar cannot be followed further: it grew too costly, or a token is not in it."""


class Constraint:
    """One sequence's; ``matcher`` stands where the sequence does, and belongs to it alone."""

    def __init__(self, matcher: LLMatcher) -> None:
        self.matcher = matcher

    @property
    def complete(self) -> bool:
        """Whether the answer is whole and nothing may follow."""
        return self.matcher.is_stopped() and not self.matcher.is_error()

    def open(self) -> list[int]:
        """The tokens that every answer begins with; the answer then stands behind them.

        Raises:
            GrammarFailed: see there.
        """
        return self._take_forced()

    def take(self, token: int) -> list[int]:
        """Goes on by a token that was picked; returns those that must follow, gone by as well.

        Raises:
            GrammarFailed: see there.
        """
        self._check()
        self.matcher.consume_token(token)
        return self._take_forced()

    def _take_forced(self) -> list[int]:
        forced: list[int] = []
        if not self.matcher.is_stopped():
            forced = self.matcher.compute_ff_tokens()
            if forced:
                self.matcher.consume_tokens(forced)
        self._check()
        return forced

    def _check(self) -> None:
        if self.matcher.is_error():
            raise GrammarFailed(f"the answer's grammar failed: {self.matcher.get_error()}")
