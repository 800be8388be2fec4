"""The pages of one running sequence: those of its prefix, then its own."""

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix import Prefix


class PageTable:
    """Where the tokens of a sequence are.

    The full pages of the prefix are shared. Its last one, if it is not full, is copied, since the
    sequence goes on in the middle of it.
    """

    def __init__(self, prefix: Prefix, pool: PagePool, cache: PagedCache) -> None:
        """Raises:
        OutOfPages: if there is none for the copy.
        """
        self._pool = pool
        shared = prefix.tokens // pool.page_tokens
        self.own = pool.take(1) if prefix.tokens % pool.page_tokens else []
        """Pages that nobody else reads."""
        if self.own:
            cache.copy_page(prefix.pages[shared], self.own[0])
        self._shared = prefix.pages[:shared]
        self.tokens = prefix.tokens
        """Tokens whose keys and values are there."""

    @property
    def pages(self) -> list[int]:
        return self._shared + self.own

    def lacks(self, tokens: int) -> int:
        """Pages to be taken before ``tokens`` more fit."""
        held = len(self._shared) + len(self.own)
        return max(0, self._pool.needed(self.tokens + tokens) - held)

    def grow(self, tokens: int) -> None:
        """Takes the pages for ``tokens`` more.

        Raises:
            OutOfPages: if too few are free; then nothing has changed.
        """
        self.own += self._pool.take(self.lacks(tokens))

    def release(self) -> None:
        """Gives its own pages back; it must not be used any more."""
        self._pool.give_back(self.own)
        self.own = []
