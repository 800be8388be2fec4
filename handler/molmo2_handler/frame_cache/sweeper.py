"""Removes the folder of a frame cache once no process uses it. Runs as a program of its own:

workers are killed when TorchServe stops, so that none of them can clean up.

    python -I sweeper.py FOLDER
"""

import fcntl
import os
import shutil
import sys
from pathlib import Path


def sweep(folder: Path) -> None:
    """Waits in the background until nobody holds ``folder``; a second sweeper ends at once."""
    os.chdir("/")
    with (folder / "sweeper").open("ab") as mine, (folder / "users").open("ab") as users:
        try:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if os.fork():
            os._exit(0)
        fcntl.flock(users, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sweep(Path(sys.argv[1]))
