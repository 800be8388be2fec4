"""Which fields are compared, checked before a sample is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo

OBJECTS = (fo.Detections, fo.Keypoints)
SPANS = (fo.TemporalDetections,)
NUMBERS = (fo.IntField,)

_ANSWERS = (fo.Keypoints, fo.TemporalDetections, fo.StringField)


@dataclass(frozen=True)
class _Kind:
    """What is asked for a kind of answer, where its answers are, and what its truth may be."""

    operation: str
    answers: str
    truth: tuple[type[Any], ...]


_KINDS = {
    "points": _Kind("pointing", "frames.{}_points", OBJECTS),
    "counts": _Kind("describe", "{}_description", NUMBERS),
    "tracks": _Kind("tracking", "frames.{}_tracks", OBJECTS),
    "events": _Kind("temporal_localization", "{}_events", SPANS),
}


@dataclass(frozen=True)
class Compared:
    """One kind of answer: the field that holds it, and the one with its ground truth."""

    kind: str
    """``points``, ``counts``, ``tracks`` or ``events``."""
    answers: str
    truth: str

    @property
    def operation(self) -> str:
        """What was asked."""
        return _KINDS[self.kind].operation


def fields_to_compare(
    samples: Any, label_field: str, truth: Mapping[str, str | None]
) -> list[Compared]:
    """The fields of every kind of which ``truth`` names one.

    Raises:
        ValueError: a field is missing or of another type, or none is named.
    """
    named = {kind: field for kind, field in truth.items() if field is not None}
    if not named:
        raise ValueError("name the ground truth: points, counts, tracks or events")
    return [_checked(samples, label_field, kind, field) for kind, field in named.items()]


def _checked(samples: Any, label_field: str, kind: str, truth: str) -> Compared:
    wanted = _KINDS[kind].truth
    compared = Compared(kind, _KINDS[kind].answers.format(label_field), truth)
    of_frames = compared.answers.startswith("frames.")
    if (found := _type(samples, truth)) not in wanted or truth.startswith("frames.") != of_frames:
        there = f"is {found.__name__}" if found else "there is no such field"
        raise ValueError(
            f"{truth}: {there}; the truth of {kind} is a field of {_names(wanted)}, and "
            f"{samples.name} has {', '.join(_fields(samples, wanted, label_field)) or 'none'}"
        )
    if _type(samples, compared.answers) not in _ANSWERS:
        raise ValueError(
            f"{compared.answers}: there are no answers in {samples.name}; ask first (molmo2 label "
            f"--operation {compared.operation}), or name another label_field (--label-field)"
        )
    return compared


def _type(samples: Any, path: str) -> type[Any] | None:
    found = samples.get_field(path)
    return None if found is None else getattr(found, "document_type", None) or type(found)


def _fields(samples: Any, wanted: tuple[type[Any], ...], label_field: str) -> list[str]:
    """Paths of the fields of these types that are not answers."""
    schemas = {"": samples.get_field_schema(), "frames.": samples.get_frame_field_schema() or {}}
    return [
        f"{prefix}{name}"
        for prefix, schema in schemas.items()
        for name in schema
        if _type(samples, f"{prefix}{name}") in wanted and not name.startswith(f"{label_field}_")
    ]


def _names(types: tuple[type[Any], ...]) -> str:
    return " or ".join(f"fo.{each.__name__}" for each in types)
