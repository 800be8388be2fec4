"""Writes scenes as H.264 in mp4 files, with exact times."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av

from molmo2_demo.render import render_frame
from molmo2_demo.scene import Scene

TIME_BASE = Fraction(1, 30_000)
"""Seconds of a tick; the frames' times are whole numbers of it at every rate used here."""


@dataclass(frozen=True)
class VideoFormat:
    """Size in pixels, and frames a second."""

    width: int
    height: int
    frame_rate: Fraction
    variable: bool = False
    """Whether only every third frame is there in every other second."""

    def __str__(self) -> str:
        rate = "variable" if self.variable else f"{float(self.frame_rate):.4g} fps"
        return f"{self.width}×{self.height}, {rate}"

    def frame_times(self, duration: float) -> list[Fraction]:
        """When each frame begins, in seconds, and as one more entry when the last one ends.

        That is ``duration``, or up to a frame earlier where it is no whole number of frames.
        """
        count = math.floor(Fraction(duration) * self.frame_rate)
        times = [number / self.frame_rate for number in range(count)]
        if self.variable:
            times = [t for number, t in enumerate(times) if int(t) % 2 == 0 or number % 3 == 0]
        return [*times, count / self.frame_rate]


FORMATS = (
    VideoFormat(640, 360, Fraction(30)),
    VideoFormat(480, 360, Fraction(25)),
    VideoFormat(360, 360, Fraction(24)),
    VideoFormat(288, 512, Fraction(10)),
    VideoFormat(640, 360, Fraction(30_000, 1001)),
    VideoFormat(480, 360, Fraction(30), variable=True),
    VideoFormat(360, 640, Fraction(25)),
    VideoFormat(320, 240, Fraction(60)),
)
"""Wide, 4:3, square and portrait, at the rates that cameras and screen recorders use."""


def write_video(path: Path, scene: Scene, video_format: VideoFormat) -> None:
    """Encodes ``scene``; the same scene and format give the same bytes."""
    ticks = [int(time / TIME_BASE) for time in video_format.frame_times(scene.duration)]
    lengths = {start: end - start for start, end in pairwise(ticks)}
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=video_format.frame_rate)
        stream.width, stream.height = video_format.width, video_format.height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        stream.codec_context.thread_count = 1  # x264's bytes depend on the number of threads
        # mp4 stores how long frames last in the order of decoding, so frames that last
        # differently are decoded in the order in which they are shown.
        reordered = "0" if video_format.variable else "2"
        stream.options = {"crf": "18", "preset": "veryfast", "bf": reordered}
        for frame in chain(_frames(scene, video_format, list(lengths)), [None]):
            for packet in stream.encode(frame):
                packet.duration = lengths[packet.pts]
                container.mux(packet)


def _frames(scene: Scene, video_format: VideoFormat, ticks: list[int]) -> Iterator[av.VideoFrame]:
    for tick in ticks:
        pixels = render_frame(
            scene, float(tick * TIME_BASE), video_format.width, video_format.height
        )
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = tick, TIME_BASE
        yield frame
