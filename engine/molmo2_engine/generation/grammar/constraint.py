"""Where one answer stands in its grammar."""

from llguidance import LLMatcher


class GrammarFailed(Exception):
    """The grammar cannot be followed further: it grows too costly, or a token is not in it."""


class Constraint:
    """One sequence's; ``matcher`` stands where the sequence does, and belongs to it alone.

    ``vocabulary`` is how many tokens the model can write.
    """

    def __init__(self, matcher: LLMatcher, vocabulary: int) -> None:
        self.matcher = matcher
        self.vocabulary = vocabulary

    @property
    def complete(self) -> bool:
        """Whether the answer is whole and nothing may follow."""
        return self.matcher.is_stopped() and not self.matcher.is_error()

    def take(self, token: int) -> list[int]:
        """Goes on by a token that was picked; returns those that must follow, gone by as well.

        Raises:
            GrammarFailed: see there.
        """
        self._check()
        self.matcher.consume_token(token)
        forced: list[int] = []
        if not self.matcher.is_stopped():
            forced = self.matcher.compute_ff_tokens()
            if forced:
                self.matcher.consume_tokens(forced)
        self._check()
        return forced

    def _check(self) -> None:
        if self.matcher.is_error():
            raise GrammarFailed(self.matcher.get_error())
