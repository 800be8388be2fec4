"""A server's response as FiftyOne labels.

Frame numbers are the server's: those of the frames that it decoded. Nothing is computed from a
time and a frame rate here, which is wrong for long videos and for variable frame rates. The time,
in seconds, stays with each label as an attribute.

The labels of a clip have the frame numbers of its whole video, and none outside the clip.

An operation that found nothing has an empty label: for points and tracks an empty ``Keypoints``
on the first sampled frame, so that ``dataset.exists("frames.molmo2_points")`` holds every sample
that was asked. What an analysis leaves out (no summary, no setting) and what could not be parsed
is ``None``; the run record has the raw text.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import fiftyone as fo
import numpy as np

from molmo2_client.fiftyone.clip import Clip
from molmo2_client.fiftyone.densify import Densify, between_points, between_positions
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

PositionT = TypeVar("PositionT", bound=Position)

_Placed = tuple[int, fo.Keypoint]
"""A frame number, and what is there."""


@dataclass
class Labels:
    """What to write into one sample. Every field named here loses what it held before.

    ``frames`` holds, by field, frame number to label; ``values`` the sample's own fields;
    ``dropped`` counts, by operation, the labels that lie outside the video or the ``clip``.
    """

    frames: dict[str, dict[int, fo.Keypoints]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    clip: Clip | None = None


def to_labels(
    response: Response,
    names: FieldNames,
    sample_id: str,
    *,
    clip: Clip | None = None,
    densify: Densify = "none",
) -> Labels:
    """The labels of every operation that was answered; an error leaves its fields alone."""
    mapping = _Mapping(response.video, names, sample_id, densify, Labels(clip=clip))
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
    densify: Densify
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
                self._write(names.frame("points"), self._points(result))
            case TrackingResult():
                self._write(names.frame("tracks"), self._tracks(result))
            case DescribeResult():
                values[names.sample("description")] = cut(result.text)
            case TemporalLocalizationResult():
                values[names.sample("events")] = self._events(result.operation, result.events)
            case ComprehensiveResult(analysis=Analysis() as analysis):
                self._analysis(result.operation, analysis)
            case EmbedResult():
                values[names.embeddings_field] = self._vector(result)

    def _points(self, result: PointingResult) -> Iterator[_Placed]:
        points = self._kept(result.operation, result.points)
        for point in points:
            yield point.frame, self._keypoint(point, point.label, point.id)
        for point in between_points(points, self.video.sampled.frames, self.densify):
            yield point.frame, self._keypoint(point, point.label, point.id, interpolated=True)

    def _tracks(self, result: TrackingResult) -> Iterator[_Placed]:
        for track in result.tracks:
            keypoint = partial(
                self._keypoint,
                label=track.label,
                index=track.id,
                instance=fo.Instance(id=self._instance_id(track)),
            )
            positions = self._kept(result.operation, track.points)
            for position in positions:
                yield position.frame, keypoint(position)
            for position in between_positions(positions, self.video.sampled.frames, self.densify):
                yield position.frame, keypoint(position, interpolated=True)

    def _kept(self, operation: str, positions: Iterable[PositionT]) -> list[PositionT]:
        """Those in the picture and in the video; the others are counted."""
        kept = []
        for position in positions:
            if position.frame in self._frames and _is_in_picture(position):
                kept.append(position)
            else:
                self._drop(operation)
        return kept

    def _write(self, path: str, placed: Iterable[_Placed]) -> None:
        frames: dict[int, list[fo.Keypoint]] = {}
        for frame, keypoint in placed:
            frames.setdefault(frame, []).append(keypoint)
        if not frames:
            sampled = [frame for frame in self.video.sampled.frames if frame in self._frames]
            frames[min(sampled, default=self._frames.start)] = []
        self.labels.frames[path] = {f: fo.Keypoints(keypoints=k) for f, k in frames.items()}

    def _keypoint(
        self,
        position: Position,
        label: str,
        index: int,
        *,
        interpolated: bool = False,
        **attributes: Any,
    ) -> fo.Keypoint:
        attributes |= {"time": position.time, "interpolated": interpolated}
        if self.labels.clip is not None:
            attributes["clip"] = self.labels.clip.name
        point = (position.x, position.y)
        return fo.Keypoint(label=label, points=[point], index=index, **attributes)

    def _instance_id(self, track: Track) -> str:
        """The same for the same track of the same video, clip and field, in every run."""
        clip = self.labels.clip
        video = [self.sample_id] if clip is None else [clip.video_id, clip.name]
        identity = [*video, self.names.frame("tracks"), track.label, str(track.id)]
        return hashlib.sha1("\0".join(identity).encode()).hexdigest()[:24]

    def _events(self, operation: str, events: Iterable[Event]) -> fo.TemporalDetections:
        detections = []
        for event in events:
            first = max(event.start_frame, self._frames.start)
            last = min(event.end_frame, self._frames.stop - 1)
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
    def _frames(self) -> range:
        """The frame numbers that a label may have. A decoded frame is there whatever the
        container counts."""
        last = max(self.video.frame_count, *self.video.sampled.frames, 1)
        clip = self.labels.clip
        return range(1, last + 1) if clip is None else range(clip.first, min(clip.last, last) + 1)

    def _drop(self, operation: str) -> None:
        self.labels.dropped[operation] = self.labels.dropped.get(operation, 0) + 1


def _is_in_picture(position: Position) -> bool:
    """False for NaN too."""
    return 0 <= position.x <= 1 and 0 <= position.y <= 1


def _classification(label: str | None) -> fo.Classification | None:
    return None if label is None else fo.Classification(label=label)
