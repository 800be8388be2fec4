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

from collections.abc import Iterable
from dataclasses import dataclass

import fiftyone as fo

from molmo2_client.fiftyone.clip import Clip
from molmo2_client.fiftyone.densify import Densify
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.image_mapping import to_image_labels
from molmo2_client.fiftyone.keypoints import KeypointFrames, frames_of
from molmo2_client.fiftyone.labels import Labels
from molmo2_client.fiftyone.limits import cut
from molmo2_client.fiftyone.vector import to_vector
from molmo2_contract.images import ImagesResponse
from molmo2_contract.response import Response
from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Event,
    PointingResult,
    Result,
    Status,
    TemporalLocalizationResult,
    TrackingResult,
)
from molmo2_contract.video import VideoInfo


def to_labels(
    response: Response | ImagesResponse,
    names: FieldNames,
    sample_id: str,
    *,
    clip: Clip | None = None,
    densify: Densify = "none",
) -> Labels:
    """The labels of every operation that was answered; an error leaves its fields alone.

    ``clip`` and ``densify`` are of videos.
    """
    if isinstance(response, ImagesResponse):
        return to_image_labels(response, names)
    mapping = _Mapping(response.video, names, sample_id, densify, Labels(clip=clip))
    for result in response.results:
        if result.status is not Status.ERROR:
            mapping.labels.clear(names.of(result.operation))
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

    def fill(self, result: Result) -> None:
        values, names = self.labels.values, self.names
        match result:
            case PointingResult():
                keypoints = self._keypoints(names.frame("points"))
                self.labels.frames[keypoints.path] = keypoints.of_points(result)
                self.labels.drop(result.operation, keypoints.dropped)
            case TrackingResult():
                keypoints = self._keypoints(names.frame("tracks"))
                self.labels.frames[keypoints.path] = keypoints.of_tracks(result)
                self.labels.drop(result.operation, keypoints.dropped)
            case DescribeResult():
                values[names.sample("description")] = cut(result.text)
            case TemporalLocalizationResult():
                values[names.sample("events")] = self._events(result.operation, result.events)
            case ComprehensiveResult(analysis=Analysis() as analysis):
                self._analysis(result.operation, analysis)
            case EmbedResult():
                vector = values[names.embeddings_field] = to_vector(result.embedding)
                self.labels.drop(result.operation, int(vector is None))
                if result.frames:
                    self._frame_vectors(result)

    def _keypoints(self, path: str) -> KeypointFrames:
        clip = self.labels.clip
        return KeypointFrames(self.video, clip, self.densify, self.sample_id, path)

    def _frame_vectors(self, result: EmbedResult) -> None:
        found = {
            each.frame: vector
            for each in result.frames
            if each.frame in self._frames and (vector := to_vector(each.embedding)) is not None
        }
        self.labels.frames[self.names.frame_embeddings] = found
        self.labels.drop(result.operation, len(result.frames) - len(found))

    def _events(self, operation: str, events: Iterable[Event]) -> fo.TemporalDetections:
        detections = []
        for event in events:
            first = max(event.start_frame, self._frames.start)
            last = min(event.end_frame, self._frames.stop - 1)
            if first > last:
                self.labels.drop(operation)
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

    @property
    def _frames(self) -> range:
        return frames_of(self.video, self.labels.clip)


def _classification(label: str | None) -> fo.Classification | None:
    return None if label is None else fo.Classification(label=label)
