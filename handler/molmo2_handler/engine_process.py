"""Which engine a request worker belongs to, and how that engine is started."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from molmo2_engine.client import EngineLaunch

from molmo2_handler.settings import HandlerSettings


def engine_launch(
    settings: HandlerSettings, engine: dict[str, Any], archive: Path, gpu: int | None
) -> EngineLaunch:
    """The engine of one GPU and one set of engine settings; it ends with this TorchServe.

    Args:
        engine: the ``engine`` section of ``model-config.yaml``. A relative ``checkpoint`` that
            exists in the archive is the archive's own.
        archive: the folder that TorchServe unpacked the archive into.
        gpu: the device that TorchServe chose for this worker; None is the CPU.
    """
    torchserve = os.getppid()
    carried = archive / str(engine["checkpoint"])
    values = {**engine, "checkpoint": str(carried) if carried.is_dir() else engine["checkpoint"]}
    digest = hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=4)
    place = "cpu" if gpu is None else f"gpu{gpu}"
    folder = settings.run_directory or Path(tempfile.gettempdir(), f"molmo2-{torchserve}")
    return EngineLaunch(
        socket=folder / f"engine-{place}-{digest.hexdigest()}.sock",
        settings={
            **({"device": "cpu"} if gpu is None else {"device": "cuda"}),
            **values,
            "exit_with": torchserve,
        },
        environment={} if gpu is None else {"CUDA_VISIBLE_DEVICES": str(gpu)},
        start_timeout=settings.engine_start_timeout,
    )
