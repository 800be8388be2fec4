"""Perfect answers about a clip, in the words and formats of the released models."""

import json
from collections.abc import Sequence
from typing import Any

from molmo2_demo.scene import COLORS, FORMS, Shape
from molmo2_trainer.clip import Clip

NOTHING = "There are none."


def point(clip: Clip, shapes: Sequence[Shape], label: str) -> str:
    """Each shape once, in the first sampled frame that shows it; numbered through the answer."""
    firsts: dict[float, list[tuple[float, float]]] = {}
    for shape in shapes:
        if seen := clip.positions(shape):
            firsts.setdefault(seen[0][0], []).append(seen[0][1])
    number, steps = 0, []
    for time in sorted(firsts):
        places = []
        for place in sorted(firsts[time], key=_thousandths):
            number += 1
            places.append(f"{number} {_coordinates(place)}")
        steps.append(f"{time:.1f} {' '.join(places)}")
    return _tag("points", steps, label)


def track(clip: Clip, shapes: Sequence[Shape], label: str) -> str:
    """Each shape wherever it is shown; identities count in the order of their first frames."""
    places = {id(shape): dict(clip.positions(shape)) for shape in shapes}
    identities: dict[int, int] = {}
    steps = []
    for time in clip.times:
        here = [key for key in places if time in places[key]]
        for key in sorted(here, key=lambda key: _thousandths(places[key][time])):
            identities.setdefault(key, len(identities) + 1)
        here.sort(key=identities.__getitem__)
        if here:
            told = (f"{identities[key]} {_coordinates(places[key][time])}" for key in here)
            steps.append(f"{time:.1f} {' '.join(told)}")
    return _tag("tracks", steps, label)


def describe(clip: Clip) -> str:
    return ". ".join(f"A {shape.name} {shape.motion}" for shape in _ordered(clip)) + "."


def localize(clip: Clip) -> str:
    return json.dumps(_events(clip))


def analyze(clip: Clip) -> str:
    shapes = _ordered(clip)
    moving = any(shape.velocity != (0.0, 0.0) for shape in shapes)
    return json.dumps(
        {
            "summary": describe(clip),
            "objects": [
                {
                    "name": shape.name,
                    "first_appears": _clock(shape.appears),
                    "last_appears": _clock(shape.disappears),
                }
                for shape in shapes
            ],
            "events": _events(clip),
            "text_content": [],
            "scene_info": {
                "setting": "synthetic",
                "time_of_day": "none",
                "location_type": "plain",
            },
            "activities": {
                "primary_activity": "moving" if moving else "resting",
                "secondary_activities": ", ".join(sorted({shape.motion for shape in shapes})),
            },
        }
    )


def _events(clip: Clip) -> list[dict[str, Any]]:
    return [
        {
            "start": _clock(shape.appears),
            "end": _clock(shape.disappears),
            "description": f"{shape.name} {shape.motion}",
        }
        for shape in _ordered(clip)
    ]


def _ordered(clip: Clip) -> list[Shape]:
    """By when they appear, then by their names' places in the tables."""
    colors = list(COLORS)
    return sorted(
        clip.scene.shapes,
        key=lambda shape: (shape.appears, colors.index(shape.color), FORMS.index(shape.form)),
    )


def _tag(name: str, steps: list[str], label: str) -> str:
    return f'<{name} coords="{";".join(steps)}">{label}</{name}>' if steps else NOTHING


def _thousandths(place: tuple[float, float]) -> tuple[int, int]:
    return round(1000 * place[0]), round(1000 * place[1])


def _coordinates(place: tuple[float, float]) -> str:
    x, y = _thousandths(place)
    return f"{x:03} {y:03}"


def _clock(time: float) -> str:
    return f"{int(time) // 60:02}:{int(time) % 60:02}"
