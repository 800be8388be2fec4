"""Which media may be in use at once, so that every sequence can come to its end."""

import threading

from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix_store import PrefixStore
from molmo2_engine.loop.job import Generate, Job


class Room:
    """Counts the pages that open jobs hold or may come to need. Safe to call from any thread.

    Sequences take pages as they grow, and more run than could all become as long as they may.
    That ends well if, with all others paused, the longest one fits beside the prefixes in use; so
    a job is opened only while that is true.
    """

    def __init__(self, pool: PagePool, prefixes: PrefixStore) -> None:
        self._pool = pool
        self._prefixes = prefixes
        self._lock = threading.Lock()
        self._open: dict[Job, int] = {}
        self._being_filled = 0

    def hold(self, job: Job) -> bool:
        """Gives a job its prefix if that is held and the job may be opened."""
        with self._lock:
            prefix = self._prefixes.acquire(job.key)
            if prefix is None:
                return False
            if not self._fits(job):
                self._prefixes.release(prefix)
                return False
            job.prefix = prefix
            self._open[job] = self._longest_answer(job)
            return True

    def make(self, job: Job) -> list[int] | None:
        """Pages for the prefix of a job that may be opened, or None while there are too few.

        ``fill`` or ``abandon`` must follow.
        """
        pages = self._pool.needed(job.prefix_tokens)
        with self._lock:
            if not self._fits(job, pages) or not self._prefixes.make_room(pages):
                return None
            self._being_filled = pages
            return self._pool.take(pages)

    def fill(self, job: Job) -> None:
        """The job has its prefix in the pages that were made."""
        with self._lock:
            self._being_filled = 0
            self._prefixes.add(job.prefix)
            self._open[job] = self._longest_answer(job)

    def abandon(self, pages: list[int]) -> None:
        """There will be no prefix in the pages that were made."""
        with self._lock:
            self._being_filled = 0
            self._pool.give_back(pages)

    def leave(self, job: Job) -> None:
        """The job is over; nothing happens if it holds nothing."""
        with self._lock:
            if job.prefix is not None:
                self._prefixes.release(job.prefix)
                job.prefix = None
                del self._open[job]

    def _fits(self, job: Job, more: int = 0) -> bool:
        longest = max(self._longest_answer(job), *self._open.values(), 0)
        used = self._prefixes.pages_in_use + self._being_filled + more
        return used + longest <= self._pool.pages

    def _longest_answer(self, job: Job) -> int:
        """The most pages that one sequence of the job may come to own."""
        shared = job.prefix_tokens // self._pool.page_tokens
        tokens = (
            job.prefix_tokens + len(operation.question) + operation.parameters.max_new_tokens
            for operation in job.operations
            if isinstance(operation, Generate)
        )
        return max((self._pool.needed(count) - shared for count in tokens), default=0)
