"""Decoded frames as upright RGB images."""

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_ANY_TIME_BASE = Fraction(1, 1000)  # a filter graph asks for one; no filter here looks at it
_QUARTER_TURNS = {90: ["clock"], 180: ["clock", "clock"], 270: ["cclock"]}


def clockwise_rotation(frame: VideoFrame) -> int:
    """Degrees, 0 to 359, by which ``frame`` is to be turned for display."""
    return -frame.rotation % 360


class RgbConverter:
    """Turns frames upright and converts them, by the filters that the reference's reader uses.

    PyAV's own conversion places chroma samples differently, which shows in 10-bit videos.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._made_for: tuple[int, int, str, int] | None = None

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """``frame`` as uint8 [height, width, 3], contiguous. Raises av.FFmpegError."""
        shape = (frame.width, frame.height, frame.format.name, clockwise_rotation(frame))
        if self._graph is None or shape != self._made_for:
            self._graph, self._made_for = _graph(frame), shape
        self._graph.vpush(frame)
        return np.ascontiguousarray(self._graph.vpull().to_ndarray(channel_last=True))


def _graph(frame: VideoFrame) -> Graph:
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TIME_BASE
    )
    turns = _QUARTER_TURNS.get(clockwise_rotation(frame), [])
    graph.link_nodes(
        source,
        *(graph.add("transpose", turn) for turn in turns),
        graph.add("scale"),
        graph.add("format", "rgb24"),
        graph.add("buffersink"),
    ).configure()
    return graph
