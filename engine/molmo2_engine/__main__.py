"""``python -m molmo2_engine --checkpoint FOLDER --socket PATH``: serves a checkpoint.

One engine a socket, gone with its host. The lock is taken before torch is imported, which takes
seconds, so that nobody starts a second engine meanwhile; it is kept by this process, which imports,
and by the engine that is forked from it.
"""

import logging
import os
import sys

from molmo2_engine import cuda_driver
from molmo2_engine.client.engine_lock import EngineLock, EngineTaken
from molmo2_engine.client.process_state import is_running
from molmo2_engine.command_line import settings_of
from molmo2_engine.heartbeat import LOADING_PATIENCE, Heartbeat
from molmo2_engine.settings import EngineSettings
from molmo2_engine.supervisor import Supervisor


def main() -> None:
    settings = settings_of("molmo2-engine")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    lock = EngineLock(settings.socket)
    try:
        with lock.held(LOADING_PATIENCE):
            _serve(settings, lock)
    except EngineTaken as taken:
        sys.exit(f"molmo2-engine: {taken}")


def _unneeded(settings: EngineSettings) -> list[str]:
    """What transformers imports where it is installed: a quarter of an engine's start."""
    packages = ["scipy"]
    if settings.quantization == "none":
        packages.append("torchao")
    if settings.gpus_per_engine == 1:
        packages.append("accelerate")
    return packages


def _serve(settings: EngineSettings, lock: EngineLock) -> None:
    # Asked by CUDA itself, whether there is a GPU would keep every fork from using it.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    for package in _unneeded(settings):
        sys.modules[package] = None  # type: ignore[assignment]
    with Heartbeat(lock, settings.exit_with):
        from molmo2_engine.kv.sizing import CacheTooSmall
        from molmo2_engine.model.refused import CheckpointRefused
        from molmo2_engine.process import run

    def wanted() -> bool:
        if not lock.path.exists():
            return False
        lock.beat(LOADING_PATIENCE)  # so that nobody takes the lost one for alive
        return settings.exit_with is None or is_running(settings.exit_with)

    served = Supervisor(wanted, may_fork=not cuda_driver.is_in_use()).become_engine()
    lock.beat(LOADING_PATIENCE)
    with Heartbeat(lock, settings.exit_with) as heartbeat:
        try:
            run(settings, heartbeat, served)
        except (CheckpointRefused, CacheTooSmall) as error:
            sys.exit(f"molmo2-engine: {error}")


if __name__ == "__main__":
    main()
