"""A scene as the model is to see it: through a video's format, at the sampled times."""

import bisect
import random
from dataclasses import dataclass

from molmo2_demo.scene import Scene, Shape, draw_scene, sample_times
from molmo2_demo.video_format import FORMATS, VideoFormat


@dataclass(frozen=True)
class Clip:
    """What a server would sample from a video of this scene in this format."""

    scene: Scene
    video_format: VideoFormat
    times: list[float]
    """Seconds; those that the model is told."""
    shown: list[float]
    """Seconds; when the frame on display at each of them began."""

    def positions(self, shape: Shape) -> list[tuple[float, tuple[float, float]]]:
        """The told time and the place of a shape in each sampled frame that shows it."""
        return [
            (time, shape.center(shown))
            for time, shown in zip(self.times, self.shown, strict=True)
            if shape.visible(shown)
        ]

    def frames(self, shape: Shape) -> list[int]:
        """The numbers of the sampled frames that show a shape, from 0."""
        return [number for number, shown in enumerate(self.shown) if shape.visible(shown)]

    def place(self, shape: int, frame: int) -> tuple[float, float]:
        """Where a sampled frame shows the centre of a shape; both by their numbers."""
        return self.scene.shapes[shape].center(self.shown[frame])


def draw_clip(chance: random.Random, duration: float, shape_count: int) -> Clip:
    scene = draw_scene(chance, duration, shape_count)
    video_format = chance.choice(FORMATS)
    *starts, end = (float(time) for time in video_format.frame_times(duration))
    times = sample_times(end)
    shown = [starts[bisect.bisect_right(starts, time) - 1] for time in times]
    return Clip(scene, video_format, times, shown)
