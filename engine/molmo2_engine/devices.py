"""Which devices an engine computes on, and how much of their memory is its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from molmo2_engine.gpu_lock import GpuLock
from molmo2_engine.model.refused import CheckpointRefused
from molmo2_engine.settings import EngineSettings


def choose_device(device: str) -> str:
    """``auto`` is CUDA where there is one."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def devices_of(settings: EngineSettings) -> list[torch.device]:
    """One, or the GPUs that the model is laid over.

    Raises:
        CheckpointRefused: if there are fewer GPUs than ``gpus_per_engine``.
    """
    first, wanted = torch.device(choose_device(settings.device)), settings.gpus_per_engine
    if wanted == 1:
        return [first]
    seen = torch.cuda.device_count() if first.type == "cuda" else 0
    if seen < wanted:
        raise CheckpointRefused(
            f"gpus_per_engine is {wanted}, and this engine has {seen} GPUs (device, "
            "CUDA_VISIBLE_DEVICES). Lower it, or give the model more of them (deviceIds in "
            "model-config.yaml)"
        )
    return [torch.device("cuda", number) for number in range(wanted)]


def usable_memory(device: torch.device, settings: EngineSettings) -> int:
    """Bytes that are left of the part of a GPU that an engine may take."""
    free, total = torch.cuda.mem_get_info(device)
    taken = total - free
    if settings.share_gpu:  # what the others have taken is not counted against this one
        taken = torch.cuda.memory_reserved(device)
    return int(min(free, settings.gpu_memory_fraction * total - taken))


@contextmanager
def gpus_held(settings: EngineSettings) -> Iterator[None]:
    """Keeps other engines off the GPUs of this one.

    Raises:
        GpuTaken: if another engine holds one of them.
    """
    with ExitStack() as held:
        for device in devices_of(settings):
            if device.type == "cuda":
                uuid = str(torch.cuda.get_device_properties(device).uuid)
                held.enter_context(GpuLock(uuid, settings.gpu_locks).held(settings.share_gpu))
        yield
