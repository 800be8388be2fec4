"""FiftyOne's labels as what the measures compare."""

from collections.abc import Iterator, Mapping

import fiftyone as fo

from molmo2_client.fiftyone.scoring.regions import Box, Place, Region, Spot
from molmo2_client.fiftyone.scoring.spans import Span


def truth_of(
    sample: fo.Sample, field: str, reach: float, only: set[int] | None = None
) -> dict[int, dict[str, Region]]:
    """The regions of ``frames.FIELD`` by frame and identity; with ``only``, of those frames."""
    name = field.removeprefix("frames.")
    found: dict[int, dict[str, Region]] = {}
    for number, frame in sample.frames.items():
        if frame[name] is not None and (only is None or number in only):
            found[number] = dict(_regions(frame[name], reach))
    return {number: regions for number, regions in found.items() if regions}


def answers_of(sample: fo.Sample, field: str) -> dict[int, dict[str, Place]]:
    """The points in ``frames.FIELD`` by frame and identity; none that was interpolated."""
    name = field.removeprefix("frames.")
    found: dict[int, dict[str, Place]] = {}
    for number, frame in sample.frames.items():
        given = frame[name].keypoints if frame[name] else ()
        places = {
            _identity(keypoint, place): keypoint.points[0]
            for place, keypoint in enumerate(given)
            if not (keypoint.has_attribute("interpolated") and keypoint.interpolated)
        }
        if places:
            found[number] = places
    return found


def by_identity(truth: Mapping[int, Mapping[str, Region]]) -> dict[str, dict[int, Region]]:
    """The other way round: frames of each object."""
    found: dict[str, dict[int, Region]] = {}
    for number, regions in truth.items():
        for identity, region in regions.items():
            found.setdefault(identity, {})[number] = region
    return found


def spans_of(events: fo.TemporalDetections | None) -> list[Span]:
    """From the beginning of the first frame to the end of the last, counted in frames."""
    detections = events.detections if events else ()
    return [(event.support[0] - 1.0, float(event.support[1])) for event in detections]


def sampled_frames(sample: fo.Sample, label_field: str) -> set[int] | None:
    """The frames that the model was shown; None if the run record does not tell."""
    run = sample[f"{label_field}_run"] if sample.has_field(f"{label_field}_run") else None
    video = getattr(run, "video", None)
    frames = getattr(video, "sampled_frames", None)
    return set(frames) if frames else None


def _regions(labels: fo.Detections | fo.Keypoints, reach: float) -> Iterator[tuple[str, Region]]:
    if isinstance(labels, fo.Detections):
        for place, detection in enumerate(labels.detections):
            left, top, width, height = detection.bounding_box
            mask = detection.get_mask() if detection.has_mask else None
            yield _identity(detection, place), Box(left, top, width, height, mask)
    else:
        for place, keypoint in enumerate(labels.keypoints):
            x, y = keypoint.points[0]
            yield _identity(keypoint, place), Spot(x, y, reach)


def _identity(label: fo.Detection | fo.Keypoint, place: int) -> str:
    """Its instance, else its index with its label, else its place in the frame."""
    instance = getattr(label, "instance", None)
    if instance is not None:
        return str(instance.id)
    if label.index is not None:
        return f"{label.label} {label.index}"
    return f"{label.label} #{place}"
