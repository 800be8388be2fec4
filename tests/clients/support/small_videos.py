"""Videos made for a test, and when their frames are shown."""

from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av


def render(path: Path, begins: list[Fraction]) -> Path:
    """A grey video of 64 × 48 pixels whose frames begin, and at last end, at these seconds."""
    ticks = [int(begin * 30_000) for begin in begins]
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30_000)
        stream.options = {"preset": "ultrafast", "bf": "0"}
        lengths = {start: end - start for start, end in pairwise(ticks)}
        pictures = (av.VideoFrame(64, 48, "yuv420p") for _ in lengths)
        for picture, tick in zip(pictures, lengths, strict=True):
            picture.pts, picture.time_base = tick, Fraction(1, 30_000)
            for packet in stream.encode(picture):
                packet.duration = lengths[packet.pts]
                container.mux(packet)
        for packet in stream.encode(None):
            packet.duration = lengths[packet.pts]
            container.mux(packet)
    return path


def frame_begins(path: Path) -> list[Fraction]:
    """When each frame begins, in seconds since the first, and when the last one ends."""
    with path.open("rb") as file, av.open(file) as container:
        packets = [p for p in container.demux(video=0) if p.pts is not None]
    packets.sort(key=lambda packet: packet.pts)
    last = packets[-1]
    ticks = [packet.pts for packet in packets] + [last.pts + last.duration]
    return [(tick - ticks[0]) * last.time_base for tick in ticks]


def on_display(begins: list[Fraction], time: Fraction) -> int:
    """The 1-based number of the frame that is shown at ``time``, or of the last one."""
    return min(max(bisect_right(begins, time), 1), len(begins) - 1)
