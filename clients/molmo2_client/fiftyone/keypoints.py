"""Points and tracks as the documents of keypoints, by frame."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from molmo2_client.fiftyone.clip import Clip
from molmo2_client.fiftyone.densify import Densify, between_points, between_positions
from molmo2_client.fiftyone.keypoint_documents import (
    Document,
    instance_document,
    keypoint_document,
    keypoints_document,
)
from molmo2_contract.images import ImagePoint
from molmo2_contract.results import PointingResult, Position, Track, TrackingResult
from molmo2_contract.video import VideoInfo

PositionT = TypeVar("PositionT", bound=Position)

_Placed = tuple[int, Document]
"""A frame number, and what is there."""


@dataclass
class KeypointFrames:
    """Keypoints for the frames of one video, or of a ``clip`` of it.

    ``sample_id`` and ``path`` of the field make the identity of a track, the same in every run.
    ``dropped`` counts the positions that lie outside.
    """

    video: VideoInfo
    clip: Clip | None
    densify: Densify
    sample_id: str
    path: str
    dropped: int = 0

    def of_points(self, result: PointingResult) -> dict[int, Document]:
        """Frame number to its points; an empty label on the first sampled frame if none has any."""
        return self._by_frame(self._points(result))

    def of_tracks(self, result: TrackingResult) -> dict[int, Document]:
        """Frame number to its tracks' positions, with one ``fo.Instance`` a track; if there are
        none, as ``of_points``."""
        return self._by_frame(self._tracks(result))

    def _points(self, result: PointingResult) -> Iterator[_Placed]:
        points = self._kept(result.points)
        for point in points:
            yield self._keypoint(point, label=point.label, index=point.id)
        for point in between_points(points, self.video.sampled.frames, self.densify):
            yield self._keypoint(point, label=point.label, index=point.id, interpolated=True)

    def _tracks(self, result: TrackingResult) -> Iterator[_Placed]:
        for track in result.tracks:
            keypoint = partial(
                self._keypoint,
                label=track.label,
                index=track.id,
                instance=instance_document(self._instance_id(track)),
            )
            positions = self._kept(track.points)
            for position in positions:
                yield keypoint(position)
            for position in between_positions(positions, self.video.sampled.frames, self.densify):
                yield keypoint(position, interpolated=True)

    def _kept(self, positions: Iterable[PositionT]) -> list[PositionT]:
        """Those in the picture and in the video; the others are counted."""
        frames = frames_of(self.video, self.clip)
        kept = []
        for position in positions:
            if position.frame in frames and is_in_picture(position):
                kept.append(position)
            else:
                self.dropped += 1
        return kept

    def _keypoint(
        self, position: Position, *, interpolated: bool = False, **attributes: Any
    ) -> _Placed:
        if self.clip is not None:
            attributes["clip"] = self.clip.name
        attributes |= {"time": position.time, "interpolated": interpolated}
        return position.frame, keypoint_document(position.x, position.y, **attributes)

    def _instance_id(self, track: Track) -> str:
        video = [self.sample_id] if self.clip is None else [self.clip.video_id, self.clip.name]
        identity = [*video, self.path, track.label, str(track.id)]
        return hashlib.sha1("\0".join(identity).encode()).hexdigest()[:24]

    def _by_frame(self, placed: Iterable[_Placed]) -> dict[int, Document]:
        frames: dict[int, list[Document]] = {}
        for frame, keypoint in placed:
            frames.setdefault(frame, []).append(keypoint)
        if not frames:
            there = frames_of(self.video, self.clip)
            sampled = [frame for frame in self.video.sampled.frames if frame in there]
            frames[min(sampled, default=there.start)] = []
        return {frame: keypoints_document(found) for frame, found in frames.items()}


def frames_of(video: VideoInfo, clip: Clip | None) -> range:
    """The frame numbers that a label may have. A decoded frame is there whatever the container
    counts."""
    last = max(video.frame_count, *video.sampled.frames, 1)
    return range(1, last + 1) if clip is None else range(clip.first, min(clip.last, last) + 1)


def is_in_picture(position: Position | ImagePoint) -> bool:
    """Whether both coordinates are fractions from 0 to 1; NaN is none."""
    return 0 <= position.x <= 1 and 0 <= position.y <= 1
