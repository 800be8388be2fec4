"""FiftyOne's labels as what the measures compare."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import fiftyone as fo

from molmo2_client.fiftyone.scoring.regions import Box, Place, Region, Spot
from molmo2_client.fiftyone.scoring.spans import Span


@dataclass(frozen=True)
class Footage:
    """A video as the run record has it, or without one as if it were square and of one frame."""

    aspect: float = 1.0
    """Width over height."""
    frame_count: int = 1
    sampled: frozenset[int] | None = None
    """The frames that the model was shown; None if the record does not tell."""

    @classmethod
    def of(cls, sample: fo.Sample, label_field: str) -> "Footage":
        run = sample[f"{label_field}_run"] if sample.has_field(f"{label_field}_run") else None
        video = getattr(run, "video", None)
        if video is None:
            return cls()
        sampled = getattr(video, "sampled_frames", None)
        return cls(
            video.width / video.height, video.frame_count, frozenset(sampled) if sampled else None
        )


def tracked_objects(
    sample: fo.Sample, field: str, reach: float, only: frozenset[int] | None
) -> dict[int, list[tuple[str, Region]]]:
    """By frame: identities and regions in ``frames.FIELD``; with ``only``, of those frames.

    Raises:
        ValueError: if a label has no identity.
    """
    found: dict[int, list[tuple[str, Region]]] = {}
    for number, label, region in _regions(sample, field, reach):
        if only is None or number in only:
            found.setdefault(number, []).append((_known(sample, field, number, label), region))
    return found


def pointed_objects(sample: fo.Sample, field: str, reach: float) -> dict[str, dict[int, Region]]:
    """The objects in ``frames.FIELD`` by frame; a label without identity is one of its own."""
    found: dict[str, dict[int, Region]] = {}
    for place, (number, label, region) in enumerate(_regions(sample, field, reach)):
        found.setdefault(_identity(label) or f"#{place}", {})[number] = region
    return found


def answers_of(sample: fo.Sample, field: str) -> dict[int, list[tuple[str, Place]]]:
    """By frame: identities and points in ``frames.FIELD``; none that was interpolated."""
    found: dict[int, list[tuple[str, Place]]] = {}
    for number, keypoint in _labels(sample, field):
        interpolated = keypoint.has_attribute("interpolated") and keypoint.interpolated
        if not interpolated and (place := _place(keypoint)) is not None:
            found.setdefault(number, []).append((_identity(keypoint) or "", place))
    return found


def spans_of(events: fo.TemporalDetections | None) -> list[Span]:
    """From the beginning of the first frame to the end of the last, counted in frames."""
    detections = events.detections if events else ()
    return [(event.support[0] - 1.0, float(event.support[1])) for event in detections]


def _labels(sample: fo.Sample, field: str) -> Iterator[tuple[int, fo.Detection | fo.Keypoint]]:
    """Frame number and label of each in ``frames.FIELD``."""
    name = field.removeprefix("frames.")
    for number, frame in sample.frames.items():
        labels = frame[name]
        given: Sequence[fo.Detection | fo.Keypoint] = ()
        if labels is not None:
            given = labels.detections if isinstance(labels, fo.Detections) else labels.keypoints
        for label in given:
            yield number, label


def _regions(
    sample: fo.Sample, field: str, reach: float
) -> Iterator[tuple[int, fo.Detection | fo.Keypoint, Region]]:
    for number, label in _labels(sample, field):
        if isinstance(label, fo.Detection):
            mask = label.get_mask() if label.has_mask else None
            left, top, width, height = label.bounding_box
            yield number, label, Box(left, top, width, height, mask)
        elif (place := _place(label)) is not None:
            yield number, label, Spot(*place, reach)


def _place(keypoint: fo.Keypoint) -> Place | None:
    """Its first point; None where it has none, or it is hidden: FiftyOne writes that as NaN."""
    x, y = keypoint.points[0] if keypoint.points else (math.nan, math.nan)
    return None if math.isnan(x) or math.isnan(y) else (x, y)


def _identity(label: fo.Detection | fo.Keypoint) -> str | None:
    """Its instance, else its label with its index."""
    instance = getattr(label, "instance", None)
    if instance is not None:
        return str(instance.id)
    return None if label.index is None else f"{label.label} {label.index}"


def _known(sample: fo.Sample, field: str, number: int, label: fo.Detection | fo.Keypoint) -> str:
    identity = _identity(label)
    if identity is None:
        raise ValueError(
            f"{field}: {label.label!r} in frame {number} of {sample.filepath} has neither "
            "instance nor index; the truth of tracks says which labels are the same object"
        )
    return identity
