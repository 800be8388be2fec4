"""A file's SHA-256, taken in a thread beside whoever reads the file."""

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor


class FileHash:
    """Takes content in order. What it is given may be overwritten two pieces later."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="digest")
        self._pending: deque[Future[None]] = deque()

    def make_room(self) -> None:
        """Before a piece is read: all but the last one are taken."""
        while len(self._pending) > 1:
            self._pending.popleft().result()

    def take(self, content: memoryview | bytes) -> None:
        self._pending.append(self._thread.submit(self._sha256.update, content))

    def close(self) -> str:
        """The digest, in hexadecimal."""
        self._thread.shutdown()
        return self._sha256.hexdigest()
