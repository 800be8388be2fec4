"""Scenes of coloured shapes that move over a plain background, as functions of time.

Positions are fractions of the frame: (0, 0) is its top left corner, (1, 1) its bottom right one.
Times are seconds. The demo model was trained on scenes of this kind.
"""

import math
import random
from dataclasses import dataclass

COLORS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 220),
    "yellow": (235, 210, 40),
    "purple": (150, 60, 190),
    "orange": (240, 140, 30),
    "white": (240, 240, 240),
    "black": (20, 20, 20),
}
"""RGB, 0 to 255."""

FORMS = ("circle", "square", "triangle")

DURATIONS = (2.0, 3.0, 4.0, 5.0)
"""Seconds; the model was trained on whole seconds only."""

SAMPLE_INTERVAL = 0.5
"""Seconds between two frames that a server samples by default."""

_TOLERANCE = 1e-6
_CONTRAST = 90.0
"""Smallest distance in RGB between a shape and the background."""


@dataclass(frozen=True)
class Shape:
    """One shape. It moves on a straight line and bounces off the borders."""

    color: str
    form: str
    radius: float
    """As a fraction of the square root of the frame's area; 0.07 to 0.13."""
    phase: tuple[float, float]
    """Where it is at time 0, from 0 (left, top) to 1 (right, bottom) of the room it can reach."""
    velocity: tuple[float, float]
    """Fractions of the frame's width and height a second, at time 0."""
    appears: float
    disappears: float

    @property
    def name(self) -> str:
        return f"{self.color} {self.form}"

    def center(self, time: float) -> tuple[float, float]:
        """Where its centre is at ``time``, whether it is visible then or not."""
        margin = 1.35 * self.radius + 0.01
        room = 1 - 2 * margin
        x, y = (
            margin + room * _bounce(start + speed * time / room)
            for start, speed in zip(self.phase, self.velocity, strict=True)
        )
        return x, y

    def visible(self, time: float) -> bool:
        return self.appears - _TOLERANCE <= time <= self.disappears + _TOLERANCE

    @property
    def motion(self) -> str:
        """What it does, in words: the direction in which it sets out."""
        if self.velocity == (0.0, 0.0):
            return "stays still"
        before, after = self.center(self.appears), self.center(self.appears + 0.25)
        right, down = after[0] - before[0], after[1] - before[1]
        if abs(right) >= abs(down):
            return "moves right" if right > 0 else "moves left"
        return "moves down" if down > 0 else "moves up"


@dataclass(frozen=True)
class Scene:
    """Shapes over a background, for ``duration`` seconds."""

    duration: float
    background: tuple[int, int, int]
    shapes: tuple[Shape, ...]

    def named(self, prompt: str) -> list[Shape]:
        """The shapes that ``prompt`` means: "red circle", "circles", "red shapes" or "shapes"."""
        words = prompt.removesuffix("s").split()
        return [shape for shape in self.shapes if _means(words, shape)]


def sample_times(duration: float) -> list[float]:
    """The times that a server samples by default: every half second, and the end."""
    count = math.ceil(duration / SAMPLE_INTERVAL)
    return [number * SAMPLE_INTERVAL for number in range(count)] + [duration]


def draw_scene(chance: random.Random, duration: float, shape_count: int) -> Scene:
    """A scene whose shapes are all different, stand out, and never touch in a sampled frame."""
    while True:
        shapes = _draw_shapes(chance, duration, shape_count)
        scene = Scene(duration, _draw_background(chance), tuple(shapes))
        if _stands_out(scene) and not _touches(scene):
            return scene


def _bounce(position: float) -> float:
    """Folds a position on an endless line into 0 to 1, turning back at both ends."""
    folded = position % 2.0
    return folded if folded <= 1 else 2 - folded


def _means(words: list[str], shape: Shape) -> bool:
    *color, kind = words
    return kind in (shape.form, "shape", "object") and color in ([], [shape.color])


def _draw_shapes(chance: random.Random, duration: float, count: int) -> list[Shape]:
    looks = chance.sample([(color, form) for color in COLORS for form in FORMS], count)
    return [_draw_shape(chance, color, form, duration) for color, form in looks]


def _draw_shape(chance: random.Random, color: str, form: str, duration: float) -> Shape:
    appears, disappears = 0.0, duration
    if duration >= 3 and chance.random() < 0.35:
        change = float(chance.randint(1, int(duration) - 1))
        if chance.random() < 0.5:
            appears = change
        else:
            disappears = change
    return Shape(
        color=color,
        form=form,
        radius=chance.uniform(0.07, 0.13),
        phase=(chance.random(), chance.random()),
        velocity=_draw_velocity(chance),
        appears=appears,
        disappears=disappears,
    )


def _draw_velocity(chance: random.Random) -> tuple[float, float]:
    if chance.random() < 0.2:
        return 0.0, 0.0
    speed, angle = chance.uniform(0.06, 0.35), chance.uniform(0, 2 * math.pi)
    return speed * math.cos(angle), speed * math.sin(angle)


def _draw_background(chance: random.Random) -> tuple[int, int, int]:
    if chance.random() < 0.6:
        grey = chance.randint(60, 200)
        return grey, grey, grey
    return chance.randint(40, 220), chance.randint(40, 220), chance.randint(40, 220)


def _stands_out(scene: Scene) -> bool:
    return all(
        math.dist(COLORS[shape.color], scene.background) >= _CONTRAST for shape in scene.shapes
    )


def _touches(scene: Scene) -> bool:
    return any(
        math.dist(first.center(time), second.center(time)) < 2 * (first.radius + second.radius)
        for time in sample_times(scene.duration)
        for number, first in enumerate(scene.shapes)
        for second in scene.shapes[:number]
        if first.visible(time) and second.visible(time)
    )
