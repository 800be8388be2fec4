"""Perfect answers about a clip, in the words and formats of the released models.

Each is a ``Draft``: the text, and for its times, numbers, places and names which shape in which
frames they are read from.
"""

import json
from collections.abc import Sequence

from molmo2_demo.scene import COLORS, FORMS, Shape
from molmo2_trainer.clip import Clip
from molmo2_trainer.draft import Draft, Gaze

NOTHING = "There are none."

Step = dict[int, tuple[float, float]]
"""What one sampled frame tells: a shape's place in the scene to its place in the frame."""


def point(clip: Clip, shapes: Sequence[Shape], label: str) -> Draft:
    """Each shape once, in the first sampled frame that shows it; numbered through the answer."""
    steps: dict[int, Step] = {}
    order = numbering(clip, shapes)
    for shape in order:
        if frames := clip.frames(clip.scene.shapes[shape]):
            steps.setdefault(frames[0], {})[shape] = clip.place(shape, frames[0])
    return _tag("points", clip, order, steps, label)


def track(clip: Clip, shapes: Sequence[Shape], label: str) -> Draft:
    """Each shape wherever it is shown; identities count in the order of their first frames."""
    steps: dict[int, Step] = {}
    order = numbering(clip, shapes)
    for frame in range(len(clip.times)):
        here = [shape for shape in order if frame in clip.frames(clip.scene.shapes[shape])]
        if here:
            steps[frame] = {shape: clip.place(shape, frame) for shape in here}
    return _tag("tracks", clip, order, steps, label)


def numbering(clip: Clip, shapes: Sequence[Shape]) -> list[int]:
    """Places in the scene of ``shapes`` that a frame shows: by first frame, then left to right."""

    def key(number: int) -> tuple[int, tuple[int, int]]:
        first = clip.frames(clip.scene.shapes[number])[0]
        return first, _thousandths(clip.place(number, first))

    every = enumerate(clip.scene.shapes)
    return sorted((n for n, shape in every if shape in shapes and clip.frames(shape)), key=key)


def telling(clip: Clip) -> list[int]:
    """Places of all shapes in the scene: by when they appear, then by colour and form."""
    colors, shapes = list(COLORS), clip.scene.shapes

    def key(number: int) -> tuple[float, int, int]:
        shape = shapes[number]
        return shape.appears, colors.index(shape.color), FORMS.index(shape.form)

    return sorted(range(len(shapes)), key=key)


def describe(clip: Clip) -> Draft:
    draft = Draft()
    for count, number in enumerate(telling(clip)):
        draft.write(". A" if count else "A")
        _say(draft, clip, number, " ")
    draft.write(".")
    return draft


def localize(clip: Clip) -> Draft:
    draft = Draft()
    _events(draft, clip)
    return draft


def analyze(clip: Clip) -> Draft:
    shapes = [clip.scene.shapes[number] for number in telling(clip)]
    moving = any(shape.velocity != (0.0, 0.0) for shape in shapes)
    objects = [
        {
            "name": shape.name,
            "first_appears": _clock(shape.appears),
            "last_appears": _clock(shape.disappears),
        }
        for shape in shapes
    ]
    about = {
        "text_content": [],
        "scene_info": {"setting": "synthetic", "time_of_day": "none", "location_type": "plain"},
        "activities": {
            "primary_activity": "moving" if moving else "resting",
            "secondary_activities": ", ".join(sorted({shape.motion for shape in shapes})),
        },
    }
    draft = Draft()
    draft.write(f'{{"summary": {json.dumps(describe(clip).text)}, ')
    draft.write(f'"objects": {json.dumps(objects)}, "events": ')
    _events(draft, clip)
    draft.write(", " + json.dumps(about)[1:])
    return draft


def _events(draft: Draft, clip: Clip) -> None:
    """A JSON list with an object for each shape."""
    for count, number in enumerate(telling(clip)):
        shape = clip.scene.shapes[number]
        frames = clip.frames(shape)
        draft.write(', {"start": "' if count else '[{"start": "')
        draft.write(_clock(shape.appears), Gaze(number, frames[0], frames[0]))
        draft.write('", "end": "')
        draft.write(_clock(shape.disappears), Gaze(number, frames[-1], frames[-1]))
        draft.write('", "description": "')
        _say(draft, clip, number, "")
        draft.write('"}')
    draft.write("]")


def _say(draft: Draft, clip: Clip, number: int, space: str) -> None:
    """A shape's name and what it does: the first from any frame, the second from the first two."""
    shape = clip.scene.shapes[number]
    frames = clip.frames(shape)
    draft.write(space + shape.name, Gaze(number, frames[0], frames[-1]))
    draft.write(f" {shape.motion}", Gaze(number, frames[0], frames[min(1, len(frames) - 1)]))


def _tag(name: str, clip: Clip, order: list[int], steps: dict[int, Step], label: str) -> Draft:
    draft = Draft()
    if not steps:
        draft.write(NOTHING)
        return draft
    draft.write(f'<{name} coords="')
    time = None
    numbers = {shape: str(count) for count, shape in enumerate(order, start=1)}
    for frame in sorted(steps):
        for count, (shape, place) in enumerate(steps[frame].items()):
            gaze = Gaze(shape, frame, frame)
            if count == 0:
                if time is not None:
                    draft.write(";", gaze, time)
                time = draft.write(f"{clip.times[frame]:.1f}", gaze, time)
            draft.write(" ", gaze, time)
            number = draft.write(numbers[shape], gaze, time)
            draft.write(f" {_coordinates(place)}", gaze, time, number)
    draft.write(f'">{label}</{name}>')
    return draft


def _thousandths(place: tuple[float, float]) -> tuple[int, int]:
    return round(1000 * place[0]), round(1000 * place[1])


def _coordinates(place: tuple[float, float]) -> str:
    x, y = _thousandths(place)
    return f"{x:03} {y:03}"


def _clock(time: float) -> str:
    return f"{int(time) // 60:02}:{int(time) % 60:02}"
