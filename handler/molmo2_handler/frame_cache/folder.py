"""The folder of a frame cache: there while a process uses it, and not a moment longer."""

import shutil
import subprocess
import sys
from pathlib import Path

from molmo2_handler.frame_cache import sweeper
from molmo2_handler.frame_cache.file_lock import is_held, shared

_PREFIX = "frames-"


def cache_folder(run_directory: Path, owner: int) -> Path:
    """The folder for all workers of ``owner``, a process id of TorchServe."""
    return run_directory / f"{_PREFIX}{owner}"


def use(folder: Path) -> int:
    """Makes the folder and holds it until the descriptor that is returned is closed.

    Folders beside it that nobody holds are removed: those of a host that lost its power.
    """
    for other in folder.parent.glob(f"{_PREFIX}*"):
        if other != folder and not is_held(other / "users"):
            shutil.rmtree(other, ignore_errors=True)
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            users = shared(folder / "users")
        except FileNotFoundError:  # a sweeper was faster
            continue
        subprocess.run(
            [sys.executable, "-I", "-S", sweeper.__file__, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
        return users
