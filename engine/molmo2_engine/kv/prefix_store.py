"""Keeps prefixes by content key: those in use, and the latest others while there is room."""

import threading
from collections import OrderedDict

from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix import Prefix


class PrefixStore:
    """An LRU of prefixes with reference counts. Safe to call from any thread.

    Pages are taken and given back by the engine's own thread only.
    """

    def __init__(self, pool: PagePool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._prefixes: OrderedDict[bytes, Prefix] = OrderedDict()
        self._users: dict[bytes, int] = {}

    @property
    def pages_in_use(self) -> int:
        """Pages of the prefixes that somebody uses."""
        with self._lock:
            return sum(len(p.pages) for key, p in self._prefixes.items() if self._users[key])

    @property
    def pages_kept(self) -> int:
        """Pages of the prefixes that nobody uses at the moment."""
        with self._lock:
            return sum(len(p.pages) for key, p in self._prefixes.items() if not self._users[key])

    def holds(self, key: bytes) -> bool:
        """Whether it is here now; it counts as no use."""
        with self._lock:
            return key in self._prefixes

    def acquire(self, key: bytes) -> Prefix | None:
        """The prefix, which stays until it is released as often as it was acquired."""
        with self._lock:
            prefix = self._prefixes.get(key)
            if prefix is not None:
                self._prefixes.move_to_end(key)
                self._users[key] += 1
            return prefix

    def release(self, prefix: Prefix) -> None:
        with self._lock:
            self._users[prefix.key] -= 1

    def add(self, prefix: Prefix) -> None:
        """Takes a new prefix, acquired once."""
        with self._lock:
            self._prefixes[prefix.key] = prefix
            self._users[prefix.key] = 1

    def make_room(self, pages: int) -> bool:
        """Forgets unused prefixes, oldest first, until ``pages`` are free; False if never."""
        with self._lock:
            unused = [key for key in self._prefixes if not self._users[key]]
            while self._pool.free < pages and unused:
                key = unused.pop(0)
                self._pool.give_back(self._prefixes.pop(key).pages)
                del self._users[key]
            return self._pool.free >= pages
