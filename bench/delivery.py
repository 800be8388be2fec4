"""One delivery of a video's frames at the model's size, in this process: ours or the reference.

The reference is what the released checkpoints are used with: ``molmo_utils``, which reads with
``decord2``, and the video processor of ``transformers``. Either uses one thread.

    python bench/delivery.py ours|reference VIDEO FRAMES.npy
"""

import json
import re
import resource
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

SIZE = 378
PACKAGES = Path(__file__).parents[1] / "build" / "decode-peer"
"""The reference's packages, installed here by ``make bench-decode``."""

Delivery = Callable[[str], np.ndarray]
"""From a path to uint8 [frames, SIZE, SIZE, 3], or what can be turned into it."""


def ours() -> tuple[Delivery, Delivery]:
    from molmo2_contract.video import Video
    from molmo2_handler.video import VideoLimits, open_video

    def deliver(path: str) -> np.ndarray:
        limits = VideoLimits(allowed_roots=(Path(path).parent,))
        with open_video(Video(uri=Path(path).as_uri()), None, limits) as video:
            return video.frames(SIZE).images

    return deliver, lambda images: images


def reference() -> tuple[Delivery, Delivery]:
    sys.path.insert(0, str(PACKAGES))
    import torch

    torch.set_num_threads(1)
    declared = declare_torchvision()
    from molmo_utils import process_vision_info
    from transformers import Molmo2VideoProcessor

    size = {"height": SIZE, "width": SIZE}
    # As in the released checkpoints' video_preprocessor_config.json.
    processor = Molmo2VideoProcessor(
        size=size,
        num_frames=384,
        max_fps=2,
        pooling_size=[3, 3],
        do_resize=True,
        do_rescale=True,
        do_normalize=True,
    )

    def deliver(path: str) -> np.ndarray:
        message = {"role": "user", "content": [{"type": "video", "video": path}]}
        _, videos, options = process_vision_info([message])
        frames, metadata = zip(*videos, strict=True)
        return processor(
            videos=list(frames), video_metadata=list(metadata), return_tensors="pt", **options
        )["pixel_values_videos"]

    def unpatched(patches: "torch.Tensor") -> np.ndarray:
        assert declared is not None
        side = SIZE // 14
        values = (patches.double().numpy() + 1) * 127.5
        squares = values.reshape(-1, side, side, 14, 14, 3).transpose(0, 1, 3, 2, 4, 5)
        return np.rint(squares).astype(np.uint8).reshape(-1, SIZE, SIZE, 3)

    return deliver, unpatched


def declare_torchvision() -> object:
    """PyPI's torchvision is built for CUDA's torch; beside another its operators must be declared.

    Nothing here calls them, but importing torchvision registers their shapes.
    """
    import torch

    spec = find_spec("torchvision")
    registrations = Path(spec.origin).with_name("_meta_registrations.py").read_text()
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in {
        *re.findall(r'register_(?:fake|meta)\("(?:torchvision::)?(\w+)"\)', registrations)
    }:
        library.define(f"{name}(Tensor x) -> Tensor")
    return library


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_memory() -> float:
    """MiB; getrusage would count what this process was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def main(side: str, video: str, frames: str) -> None:
    deliver, to_images = {"ours": ours, "reference": reference}[side]()
    began = cpu_seconds()
    delivered = deliver(video)
    cpu = cpu_seconds() - began
    memory = peak_memory()
    images = to_images(delivered)
    np.save(frames, images)
    print(json.dumps({"cpu": cpu, "memory": memory, "frames": len(images)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
