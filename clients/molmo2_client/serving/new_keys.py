"""What the operator wants done when TorchServe has new keys: at its start, and at each renewal."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from molmo2_client.credentials import read_inference_key
from molmo2_client.errors import Unauthorized

_SECONDS = 30.0
"""How long the command may take."""


class NewKeys:
    """Runs a shell's command for each new inference key; again and again while it fails.

    The command finds the file's path in ``MOLMO2_KEY_FILE``.
    """

    def __init__(self, key_file: Path, command: str, tell: Callable[[str], None]) -> None:
        """``tell`` hears what is wrong with the command, once for each key."""
        self._key_file = key_file
        self._command = command
        self._tell = tell
        self._done: str | None = None
        self._told: str | None = None

    def look(self) -> None:
        """Runs the command if there is a key for which it has not succeeded yet."""
        try:
            key = read_inference_key(self._key_file)
        except Unauthorized:  # a server without tokens
            return
        if key == self._done:
            return
        if (fault := self._run()) is None:
            self._done = key
        elif key != self._told:
            self._told = key
            self._tell(f"the command for new keys {fault}; it is tried again until it succeeds")

    def _run(self) -> str | None:
        environment = {**os.environ, "MOLMO2_KEY_FILE": str(self._key_file)}
        try:
            done = subprocess.run(
                self._command,
                shell=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"took more than {_SECONDS:g} s"
        return f"ended with status {done.returncode}" if done.returncode else None
