"""Keeps prefixes by content key: those in use, and the latest others while there is room."""

import threading
from collections import OrderedDict

from molmo2_engine.model.prefix import Prefix


class PrefixStore:
    """A token-bounded LRU of prefixes with reference counts. Safe to call from any thread."""

    def __init__(self, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._lock = threading.Lock()
        self._prefixes: OrderedDict[bytes, Prefix] = OrderedDict()
        self._users: dict[bytes, int] = {}

    @property
    def tokens(self) -> int:
        """Tokens held."""
        return sum(prefix.tokens for prefix in self._prefixes.values())

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

    def make_room(self, tokens: int) -> bool:
        """Forgets unused prefixes, oldest first, until ``tokens`` more fit; False if never."""
        with self._lock:
            unused = [key for key in self._prefixes if not self._users[key]]
            while self.tokens + tokens > self._max_tokens and unused:
                key = unused.pop(0)
                del self._prefixes[key], self._users[key]
            return self.tokens + tokens <= self._max_tokens

    def add(self, prefix: Prefix) -> None:
        """Takes a new prefix, acquired once; ``make_room`` has made its room."""
        with self._lock:
            self._prefixes[prefix.key] = prefix
            self._users[prefix.key] = 1
