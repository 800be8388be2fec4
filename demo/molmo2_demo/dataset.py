"""The demo's FiftyOne dataset: the rendered videos, with their truth."""

from collections.abc import Sequence
from pathlib import Path

import fiftyone as fo

from molmo2_demo.generate import DemoVideo
from molmo2_demo.truth import Truth

NAME = "molmo2-demo"

PROMPT_FIELD = "prompt"
"""The sample field with what pointing and tracking ask for."""

TRUTH_FIELD = "truth"
"""The frame field with the true centres."""


def make_dataset(videos: Sequence[DemoVideo]) -> fo.Dataset:
    """A dataset that stays in the database, in place of an earlier one of its name."""
    dataset = fo.Dataset(NAME, overwrite=True, persistent=True)
    dataset.add_samples([_sample(video) for video in videos], progress=False)
    return dataset


def _sample(video: DemoVideo) -> fo.Sample:
    truth = video.truth
    sample = fo.Sample(filepath=str(video.path), metadata=_metadata(video.path, truth))
    sample[PROMPT_FIELD] = truth.prompt
    for number, keypoints in _keypoints(truth).items():
        sample.frames[number] = fo.Frame(**{TRUTH_FIELD: fo.Keypoints(keypoints=keypoints)})
    return sample


def _metadata(path: Path, truth: Truth) -> fo.VideoMetadata:
    """Known from rendering, so that FiftyOne need not ask ffprobe."""
    return fo.VideoMetadata(
        size_bytes=path.stat().st_size,
        mime_type="video/mp4",
        frame_width=truth.width,
        frame_height=truth.height,
        frame_rate=truth.frame_rate,
        total_frame_count=truth.frame_count,
        duration=truth.duration,
        encoding_str="avc1",
    )


def _keypoints(truth: Truth) -> dict[int, list[fo.Keypoint]]:
    """By frame number."""
    frames: dict[int, list[fo.Keypoint]] = {}
    for index, track in enumerate(truth.tracks, start=1):
        instance = fo.Instance()
        for point in track.points:
            keypoint = fo.Keypoint(
                label=track.name, points=[(point.x, point.y)], index=index, instance=instance
            )
            frames.setdefault(point.frame, []).append(keypoint)
    return frames
