"""Whether a process lives, and what it runs."""

from pathlib import Path


def is_running(process: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        # The state follows the command's name, which is in parentheses and may hold any character.
        stat = Path(f"/proc/{process}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def runs(process: int, said: bytes) -> bool:
    """Whether the process lives and ``said`` is in its command line.

    Process ids are given out again: only the command line tells whether it is still the same.
    """
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()  # empty for a zombie
    except OSError:
        return False
    return said in command and is_running(process)
