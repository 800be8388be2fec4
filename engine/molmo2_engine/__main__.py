"""``python -m molmo2_engine --checkpoint FOLDER --socket PATH``: serves a checkpoint.

One engine a socket, gone with its host. The lock is taken before torch is imported, which takes
seconds, so that nobody starts a second engine meanwhile.
"""

import logging
import sys

from pydantic_settings import CliApp

from molmo2_engine.client.engine_lock import EngineLock, EngineTaken
from molmo2_engine.heartbeat import LOADING_PATIENCE, Heartbeat
from molmo2_engine.settings import EngineSettings


def main() -> None:
    settings = CliApp.run(EngineSettings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    lock = EngineLock(settings.socket)
    try:
        with lock.held(LOADING_PATIENCE):
            heartbeat = Heartbeat(lock, settings.exit_with)
            heartbeat.start()
            _run(settings, heartbeat)
            heartbeat.end()
    except EngineTaken as taken:
        sys.exit(f"molmo2-engine: {taken}")


def _run(settings: EngineSettings, heartbeat: Heartbeat) -> None:
    from molmo2_engine.kv.sizing import CacheTooSmall
    from molmo2_engine.model.checkpoint import NotMolmo2
    from molmo2_engine.process import run

    try:
        run(settings, heartbeat)
    except (NotMolmo2, CacheTooSmall) as error:
        sys.exit(f"molmo2-engine: {error}")


if __name__ == "__main__":
    main()
