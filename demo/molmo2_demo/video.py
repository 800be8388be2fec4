"""Writes scenes as H.264 in mp4 files, with exact times."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av

from molmo2_demo.render import render_frame
from molmo2_demo.scene import Scene
from molmo2_demo.video_format import VideoFormat

TIME_BASE = Fraction(1, 30_000)
"""Seconds of a tick; the frames' times are whole numbers of it at every rate used here."""


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
