"""Which KV pages are free. Page 0 is never given away: what pads a batch is written there."""


class OutOfPages(Exception):
    """More pages were asked for than are free."""


class PagePool:
    """The free pages of a cache, by number; a page has one owner at a time.

    A prefix owns the pages that its sequences share: they hold the prefix, not its pages, so the
    references that count are those of the prefix store.
    """

    def __init__(self, pages: int, page_tokens: int) -> None:
        self.page_tokens = page_tokens
        self.pages = pages
        self._free = list(range(pages, 0, -1))

    @property
    def free(self) -> int:
        return len(self._free)

    def needed(self, tokens: int) -> int:
        """Pages that hold so many tokens."""
        return -(-tokens // self.page_tokens)

    def take(self, count: int) -> list[int]:
        """Raises:
        OutOfPages: if fewer are free; then none is taken.
        """
        if count > len(self._free):
            raise OutOfPages(f"{count} KV pages are needed, {len(self._free)} are free")
        taken = self._free[len(self._free) - count :]
        del self._free[len(self._free) - count :]
        return taken[::-1]

    def give_back(self, pages: list[int]) -> None:
        self._free.extend(reversed(pages))
