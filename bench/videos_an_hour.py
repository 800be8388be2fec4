"""Videos an hour that a GPU could label, by arithmetic: nothing here is measured on a GPU.

A video of 30 s is encoded and prefilled, and an answer of 128 tokens generated about it, in one
batch with others. Prefill is bound by the GPU's products, decode steps by its memory; no more than
a part of either is reached, and nothing overlaps. Decoding on CPUs is a bound of its own. It prints
the tables of k8s/README.md's sizing: how many videos a GPU holds at once, and how many it could do
in an hour.

    python bench/videos_an_hour.py
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gpu.counts import prefill_flop, step_bytes, vision_flop
from gpu.shapes import SHAPES, Shape

from molmo2_archive.checkpoints import KnownCheckpoint, find

MATRIX_PART = 0.45
"""Of the GPU's peak rate of bfloat16 products that encoding and prefill are taken to reach."""
MEMORY_PART = 0.6
"""Of its memory bandwidth that decode steps are taken to reach."""
DECODE_SECONDS = 2.5
"""CPU of one core for a video of 30 s at 1280 x 720, as `make bench-decode` measures it."""
CORES = 8
"""That a pod asks for."""
SLOTS = 16
"""Requests that a pod is at."""
PREFIX_TOKENS, FRAME_TOKENS = 5408, 83
"""Of a video of 30 s in all, and of each of its frames, its two brackets among them."""
POOLED_TOKENS = 81
"""Of a frame, that are seen."""
PATCHES = 27**2
"""Of a frame."""
ELEMENT = 2
"""Bytes of bfloat16."""
ENGINE_PART = 0.9
"""Of the GPU's memory: ``gpu_memory_fraction``."""
WORKING_BYTES = 1e9
"""For the vision encoder at work."""


@dataclass(frozen=True)
class Gpu:
    """As its maker describes it: GB, dense bfloat16 products and bytes a second."""

    name: str
    memory: int
    flops: float
    bandwidth: float


GPUS = (
    Gpu("L4, 24 GB", 24, 121e12, 300e9),
    Gpu("A100, 40 GB", 40, 312e12, 1555e9),
    Gpu("L40S, 48 GB", 48, 362e12, 864e9),
    Gpu("H100 SXM, 80 GB", 80, 989e12, 3350e9),
    Gpu("H200, 141 GB", 141, 989e12, 4800e9),
)
CHECKPOINTS = {
    "Molmo2-4B, VideoPoint-4B": ("allenai/Molmo2-4B", "4B"),
    "Molmo2-8B": ("allenai/Molmo2-8B", "8B"),
    "Molmo2-O-7B": ("allenai/Molmo2-O-7B", "O-7B"),
}
"""By their names in the tables: as the archive knows them, and their shape."""


def videos_held(known: KnownCheckpoint, memory: int) -> int:
    """Videos of 30 s whose keys and values a GPU of ``memory`` GB holds beside the weights."""
    room = ENGINE_PART * memory * 1e9 - known.weight_bytes - WORKING_BYTES
    return int(room / (PREFIX_TOKENS * known.cache_bytes_per_token))


def prefill_seconds(shape: Shape, gpu: Gpu) -> float:
    """Of one video, encoded and prefilled."""
    config, seen = shape.config(), shape.frames * FRAME_TOKENS
    visual = [True] * seen + [False] * (PREFIX_TOKENS - seen)
    flop = vision_flop(config, shape.frames, PATCHES, POOLED_TOKENS) + prefill_flop(config, visual)
    return flop / (MATRIX_PART * gpu.flops)


def answer_seconds(shape: Shape, gpu: Gpu, batch: int) -> float:
    """Of one video's answer, whose steps are shared by ``batch`` of them."""
    context = batch * (PREFIX_TOKENS + shape.answer_tokens)
    step = step_bytes(shape.config(), context, ELEMENT) / (MEMORY_PART * gpu.bandwidth)
    return shape.answer_tokens * step / batch


def videos_an_hour(shape: Shape, gpu: Gpu, held: int) -> float:
    """With a full batch of the slots, or of what the GPU holds where that is less."""
    seconds = prefill_seconds(shape, gpu) + answer_seconds(shape, gpu, max(1, min(SLOTS, held)))
    return 3600 / seconds


def sizes() -> Iterator[list[str]]:
    """A row for each checkpoint: its weights, its download, a video's memory, videos held."""
    for title, (name, _) in CHECKPOINTS.items():
        known = _known(name)
        gigabytes = known.weight_bytes / 1e9
        video = PREFIX_TOKENS * known.cache_bytes_per_token / 1e9
        figures = [f"{gigabytes:.1f} GB", f"{2 * gigabytes:.1f} GB", f"{video:.2f} GB"]
        yield [title, *figures, *(str(videos_held(known, gpu.memory)) for gpu in GPUS)]


def rates() -> Iterator[list[str]]:
    """A row for each checkpoint: videos an hour of each GPU, to two places."""
    for title, (name, shape) in CHECKPOINTS.items():
        found = (
            videos_an_hour(SHAPES[shape], gpu, videos_held(_known(name), gpu.memory))
            for gpu in GPUS
        )
        yield [title, *(f"{float(f'{rate:.2g}'):,.0f}" for rate in found)]
    decoded = CORES * 3600 / DECODE_SECONDS
    yield [f"{CORES} cores can decode", *([f"{float(f'{decoded:.2g}'):,.0f}"] * len(GPUS))]


def table(headings: list[str], rows: Iterator[list[str]]) -> str:
    """In Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _known(name: str) -> KnownCheckpoint:
    known = find(name)
    assert known is not None
    return known


def main() -> None:
    columns = ["weights, bfloat16", "download, float32", "KV of a 30 s video"]
    print(table(["checkpoint", *columns, *(f"{gpu.memory} GB" for gpu in GPUS)], sizes()))
    print("\nVideos an hour: arithmetic, not measured.\n")
    print(table(["checkpoint", *(gpu.name for gpu in GPUS)], rates()))


if __name__ == "__main__":
    main()
