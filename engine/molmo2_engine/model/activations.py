"""How much memory a prefill takes besides weights and KV pages."""

import bisect
import gc

import torch

from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import VideoFrames


def largest_prefill(
    checkpoint: Checkpoint, layout: Layout, *, tokens: int, page_tokens: int, frames_at_once: int
) -> int:
    """Prefills a black video of at most ``tokens``, on CUDA; returns the bytes that it took.

    Counted is what the allocator kept from the device meanwhile, gaps included; of several devices,
    from the one where it was most.
    """
    times = longest_video(layout, tokens)
    size = layout.frame_format.size
    video = VideoFrames(times, torch.zeros(len(times), size, size, 3, dtype=torch.uint8), ())
    pages = -(-tokens // page_tokens)
    runner = ModelRunner(
        checkpoint, layout, pages=pages, page_tokens=page_tokens, frames_at_once=frames_at_once
    )
    _give_back_memory()
    devices = {checkpoint.device, *checkpoint.layer_devices}
    before = {device: torch.cuda.memory_reserved(device) for device in devices}
    for device in devices:
        torch.cuda.reset_peak_memory_stats(device)
    runner.prefill_media(b"", video, list(range(1, pages + 1)))
    taken = max(torch.cuda.max_memory_reserved(device) - before[device] for device in devices)
    del runner
    _give_back_memory()
    return taken


def longest_video(layout: Layout, tokens: int) -> list[float]:
    """The times of as many frames, two a second, as fit in so many tokens; at least one."""

    def needed(frames: int) -> int:
        return len(layout.video_prefix([0.5 * i for i in range(frames)])[0])

    most = tokens // layout.visual_tokens_per_frame
    frames = bisect.bisect_right(range(most + 1), tokens, key=needed) - 1
    return [0.5 * i for i in range(max(1, frames))]


def _give_back_memory() -> None:
    gc.collect()
    torch.cuda.empty_cache()
