"""``python -m molmo2_engine.reference --checkpoint FOLDER --socket PATH``: serves the reference.

It takes the engine's settings, lock and heartbeat; what only concerns the engine's batch, its
pages and its graphs is of no effect.
"""

import logging
import os
import sys
from pathlib import Path

from molmo2_engine.client.engine_lock import EngineLock, EngineTaken
from molmo2_engine.command_line import settings_of
from molmo2_engine.heartbeat import LOADING_PATIENCE, Heartbeat
from molmo2_engine.settings import EngineSettings


def main() -> None:
    settings = settings_of("molmo2-reference")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    lock = EngineLock(settings.socket)
    try:
        with lock.held(LOADING_PATIENCE), Heartbeat(lock, settings.exit_with) as heartbeat:
            _run(settings, heartbeat)
    except EngineTaken as taken:
        sys.exit(f"molmo2-reference: {taken}")


def _run(settings: EngineSettings, heartbeat: Heartbeat) -> None:
    _keep_to_the_folder(settings.socket)
    from molmo2_engine.model.refused import CheckpointRefused
    from molmo2_engine.reference.process import run

    try:
        run(settings, heartbeat)
    except CheckpointRefused as error:
        sys.exit(f"molmo2-reference: {error}")


def _keep_to_the_folder(socket: Path) -> None:
    """Code comes from the checkpoint's folder alone; transformers copies it before it runs it."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_MODULES_CACHE"] = str(socket.with_suffix(".modules"))


if __name__ == "__main__":
    main()
