"""Which engine a request worker belongs to, and how that engine is started."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from molmo2_engine.client import EngineLaunch
from molmo2_handler.settings import HandlerSettings


def run_directory(settings: HandlerSettings) -> Path:
    """Where the workers of this TorchServe meet: the engine's socket, its log, their frames."""
    return settings.run_directory or Path(tempfile.gettempdir(), f"molmo2-{os.getppid()}")


def engine_launch(
    settings: HandlerSettings, engine: dict[str, Any], archive: Path, gpu: int | None
) -> EngineLaunch:
    """The engine of one GPU and one set of engine settings; it ends with this TorchServe.

    With ``gpus_per_engine`` set, as many GPUs share one; with ``reference``, it is the released
    code that answers in its place.

    Args:
        engine: the ``engine`` section of ``model-config.yaml``. A relative ``checkpoint`` that
            exists in the archive is the archive's own.
        archive: the folder that TorchServe unpacked the archive into.
        gpu: the device that TorchServe chose for this worker; None is the CPU.
    """
    torchserve = os.getppid()
    values = {name: value for name, value in engine.items() if value is not None}
    carried = archive / str(values["checkpoint"])
    if carried.is_dir():
        values["checkpoint"] = str(carried)
    digest = hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=4)
    device = None if gpu is None else _cuda_devices(gpu, int(values.get("gpus_per_engine", 1)))
    place = "cpu" if device is None else f"gpu{device.replace(',', '-')}"
    model = digest.hexdigest() + "-reference" * settings.reference
    return EngineLaunch(
        socket=run_directory(settings) / f"engine-{place}-{model}.sock",
        siblings=f"engine-*-{model}.sock",
        **_reference(settings),
        settings={
            "device": "cpu" if device is None else "cuda",
            **values,
            "exit_with": torchserve,
        },
        environment={} if device is None else {"CUDA_VISIBLE_DEVICES": device},
        start_timeout=settings.engine_start_timeout,
    )


def _reference(settings: HandlerSettings) -> dict[str, str]:
    """What is launched in place of the engine, if anything."""
    if not settings.reference:
        return {}
    return {"module": "molmo2_engine.reference", "python": str(settings.reference_python)}


def _cuda_devices(gpu: int, together: int) -> str:
    """CUDA's own numbers of a GPU and of those whose engine it shares, for CUDA_VISIBLE_DEVICES.

    TorchServe counts the devices that CUDA_VISIBLE_DEVICES leaves, from 0.
    """
    first = gpu - gpu % together
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not visible:
        return ",".join(str(number) for number in range(first, first + together))
    return ",".join(name.strip() for name in visible.split(",")[first : first + together])
