"""What is true about a rendered video: a JSON file beside it."""

import bisect
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pydantic import TypeAdapter

from molmo2_contract.operations import Operation
from molmo2_demo.scene import Scene, Shape, sample_times
from molmo2_demo.video_format import VideoFormat


@dataclass(frozen=True)
class TruePosition:
    """Where a shape's centre is in the frame on display at ``time`` (seconds).

    ``frame`` is that frame's number, from 1.
    """

    time: float
    frame: int
    x: float
    y: float


@dataclass(frozen=True)
class TrueTrack:
    """One shape in every sampled frame that shows it."""

    name: str
    points: list[TruePosition]


@dataclass(frozen=True)
class TrueEvent:
    """A shape's time in the video, and what it does; seconds."""

    start: float
    end: float
    description: str


@dataclass(frozen=True)
class Truth:
    """A video, what is asked about it, and what a perfect answer says."""

    video: str
    """Name of the file beside this one."""
    width: int
    height: int
    frame_count: int
    frame_rate: float
    """Frames a second, averaged over the duration."""
    variable_frame_rate: bool
    duration: float
    """Seconds, to the end of the last frame."""
    sample_times: list[float]
    """Seconds; the times at which a server samples frames by default."""
    scene: Scene
    prompt: str
    """What pointing and tracking ask for."""
    operations: list[Operation]
    events: list[TrueEvent]
    tracks: list[TrueTrack]
    """Of the shapes that ``prompt`` names."""

    @classmethod
    def of(
        cls,
        video: str,
        scene: Scene,
        video_format: VideoFormat,
        prompt: str,
        operations: list[Operation],
    ) -> "Truth":
        """Works out what is true about ``scene`` as a video of that format."""
        *starts, end = (float(time) for time in video_format.frame_times(scene.duration))
        times = sample_times(end)
        return cls(
            video=video,
            width=video_format.width,
            height=video_format.height,
            frame_count=len(starts),
            frame_rate=len(starts) / end,
            variable_frame_rate=video_format.variable,
            duration=end,
            sample_times=times,
            scene=scene,
            prompt=prompt,
            operations=operations,
            events=[_event(shape) for shape in scene.shapes],
            tracks=[_track(shape, times, starts) for shape in scene.named(prompt)],
        )

    @property
    def video_format(self) -> VideoFormat:
        """Its size and its frames a second, averaged where they vary."""
        rate = Fraction(self.frame_rate)
        return VideoFormat(self.width, self.height, rate, self.variable_frame_rate)

    @classmethod
    def read(cls, path: Path) -> "Truth":
        return _JSON.validate_json(path.read_bytes())

    def write(self, path: Path) -> None:
        path.write_bytes(_JSON.dump_json(self, indent=2) + b"\n")


_JSON = TypeAdapter(Truth)


def _event(shape: Shape) -> TrueEvent:
    return TrueEvent(shape.appears, shape.disappears, f"{shape.name} {shape.motion}")


def _track(shape: Shape, times: list[float], frame_starts: list[float]) -> TrueTrack:
    points = []
    for time in times:
        frame = bisect.bisect_right(frame_starts, time)
        shown = frame_starts[frame - 1]
        if shape.visible(shown):
            x, y = shape.center(shown)
            points.append(TruePosition(time, frame, x, y))
    return TrueTrack(shape.name, points)
