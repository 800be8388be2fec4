"""A server's response as FiftyOne labels.

Frame numbers are the server's: those of the frames that it decoded. Nothing is computed from a
time and a frame rate here, which is wrong for long videos and for variable frame rates. The time,
in seconds, stays with each label as an attribute.

An operation that found nothing has an empty label: for points and tracks an empty ``Keypoints``
on the first sampled frame, so that ``dataset.exists("frames.molmo2_points")`` holds every sample
that was asked. What an analysis leaves out (no summary, no setting) and what could not be parsed
is ``None``; the run record has the raw text.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import fiftyone as fo
import numpy as np

from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.limits import cut
from molmo2_contract.response import Response
from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Event,
    PointingResult,
    Position,
    Result,
    Status,
    TemporalLocalizationResult,
    Track,
    TrackingResult,
)
from molmo2_contract.video import VideoInfo


@dataclass
class Labels:
    """What to write into one sample. Every field named here loses what it held before.

    ``frames`` holds, by field, frame number to label; ``values`` the sample's own fields;
    ``dropped`` counts, by operation, the labels that lie outside the video.
    """

    frames: dict[str, dict[int, fo.Keypoints]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)


def to_labels(response: Response, names: FieldNames, sample_id: str) -> Labels:
    """The labels of every operation that was answered; an error leaves its fields alone."""
    mapping = _Mapping(response.video, names, sample_id, Labels())
    for result in response.results:
        if result.status is not Status.ERROR:
            mapping.clear(result.operation)
        if result.status in (Status.OK, Status.EMPTY, Status.PARTIAL):
            mapping.fill(result)
    return mapping.labels


@dataclass(frozen=True)
class _Mapping:
    video: VideoInfo
    names: FieldNames
    sample_id: str
    labels: Labels

    def clear(self, operation: str) -> None:
        for path in self.names.of(operation):
            if path.startswith("frames."):
                self.labels.frames[path] = {}
            else:
                self.labels.values[path] = None

    def fill(self, result: Result) -> None:
        values, names = self.labels.values, self.names
        match result:
            case PointingResult():
                points = [(p, _keypoint(p, p.label, p.id)) for p in result.points]
                self._keypoints(result.operation, names.frame("points"), points)
            case TrackingResult():
                self._keypoints(result.operation, names.frame("tracks"), self._positions(result))
            case DescribeResult():
                values[names.sample("description")] = cut(result.text)
            case TemporalLocalizationResult():
                values[names.sample("events")] = self._events(result.operation, result.events)
            case ComprehensiveResult(analysis=Analysis() as analysis):
                self._analysis(result.operation, analysis)
            case EmbedResult():
                values[names.embeddings_field] = self._vector(result)

    def _keypoints(
        self, operation: str, path: str, found: Iterable[tuple[Position, fo.Keypoint]]
    ) -> None:
        frames: dict[int, list[fo.Keypoint]] = {}
        for position, keypoint in found:
            if position.frame <= self._last_frame and _is_in_picture(position):
                frames.setdefault(position.frame, []).append(keypoint)
            else:
                self._drop(operation)
        if not frames:
            frames[min(self.video.sampled.frames, default=1)] = []
        self.labels.frames[path] = {f: fo.Keypoints(keypoints=k) for f, k in frames.items()}

    def _positions(self, result: TrackingResult) -> Iterator[tuple[Position, fo.Keypoint]]:
        for track in result.tracks:
            instance = fo.Instance(id=self._instance_id(track))
            for position in track.points:
                yield position, _keypoint(position, track.label, track.id, instance)

    def _instance_id(self, track: Track) -> str:
        """The same for the same track of the same sample and field, in every run."""
        identity = [self.sample_id, self.names.frame("tracks"), track.label, str(track.id)]
        return hashlib.sha1("\0".join(identity).encode()).hexdigest()[:24]

    def _events(self, operation: str, events: Iterable[Event]) -> fo.TemporalDetections:
        detections = []
        for event in events:
            first, last = event.start_frame, min(event.end_frame, self._last_frame)
            if first > last:
                self._drop(operation)
                continue
            detections.append(
                fo.TemporalDetection(
                    label=event.description, support=[first, last], start=event.start, end=event.end
                )
            )
        return fo.TemporalDetections(detections=detections)

    def _analysis(self, operation: str, analysis: Analysis) -> None:
        scene, activities = analysis.scene_info, analysis.activities
        found = {
            "summary": analysis.summary and cut(analysis.summary),
            "analysis_events": self._events(operation, analysis.events),
            "objects": self._events(operation, analysis.objects),
            "text_content": self._events(operation, analysis.text_content),
            "scene_info_setting": _classification(scene.setting),
            "scene_info_time_of_day": _classification(scene.time_of_day),
            "scene_info_location_type": _classification(scene.location_type),
            "activities_primary": _classification(activities.primary_activity),
            "activities_secondary": fo.Classifications(
                classifications=[
                    fo.Classification(label=a) for a in activities.secondary_activities
                ]
            ),
        }
        self.labels.values |= {self.names.sample(suffix): label for suffix, label in found.items()}

    def _vector(self, result: EmbedResult) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        vector = np.asarray(result.embedding, dtype=np.float32)
        if vector.size == 0 or not np.isfinite(vector).all():
            self._drop(result.operation)
            return None
        return vector

    @property
    def _last_frame(self) -> int:
        return max(self.video.frame_count, *self.video.sampled.frames, 1)

    def _drop(self, operation: str) -> None:
        self.labels.dropped[operation] = self.labels.dropped.get(operation, 0) + 1


def _keypoint(
    position: Position, label: str, index: int, instance: fo.Instance | None = None
) -> fo.Keypoint:
    point = (position.x, position.y)
    return fo.Keypoint(
        label=label, points=[point], index=index, instance=instance, time=position.time
    )


def _is_in_picture(position: Position) -> bool:
    """False for NaN too."""
    return 0 <= position.x <= 1 and 0 <= position.y <= 1


def _classification(label: str | None) -> fo.Classification | None:
    return None if label is None else fo.Classification(label=label)
