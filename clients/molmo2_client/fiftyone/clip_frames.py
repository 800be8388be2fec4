"""Frame labels of clips, which share the frames of their video with other labels."""

from collections.abc import Iterable
from typing import Any

from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.keypoint_documents import Document, keypoints_document, to_document
from molmo2_client.fiftyone.labels import Labels


def with_others(
    videos: SampleCollection, clips: Iterable[Labels]
) -> dict[str, dict[str, dict[int, Document]]]:
    """Path to sample id to frame number to what is to be written there.

    Clips may overlap, and the whole video may have labels in the same field. A clip's labels take
    the place of those that it had before and stand beside all others.
    """
    written: dict[str, dict[str, dict[int, Document]]] = {}
    clips = list(clips)
    for path in dict.fromkeys(path for labels in clips for path in labels.frames):
        own = [labels for labels in clips if path in labels.frames]
        present = _present(videos, path, {labels.clip.video_id for labels in own if labels.clip})
        for labels in own:
            assert labels.clip is not None
            frames = present.get(labels.clip.video_id)
            if frames is not None:  # the video was not deleted in the meantime
                changed = _replace(frames, labels.clip.name, labels.frames[path])
                frames |= changed
                if changed:
                    written.setdefault(path, {}).setdefault(labels.clip.video_id, {}).update(
                        changed
                    )
    return written


def _present(
    videos: SampleCollection, path: str, video_ids: set[str]
) -> dict[str, dict[int, Document]]:
    columns: list[Any] = videos.select(list(video_ids)).values(["id", "frames.frame_number", path])
    return {
        video_id: {
            number: to_document(label)
            for number, label in zip(numbers, labels, strict=True)
            if label is not None
        }
        for video_id, numbers, labels in zip(*columns, strict=True)
    }


def _replace(
    frames: dict[int, Document], clip: str, new: dict[int, Document]
) -> dict[int, Document]:
    """The frames of ``frames`` that ``new`` changes, as they are with it."""
    changed = {}
    for number in sorted(frames.keys() | new.keys()):
        before = frames[number]["keypoints"] if number in frames else []
        others = [keypoint for keypoint in before if keypoint.get("clip") != clip]
        added = new[number]["keypoints"] if number in new else []
        if number in new or len(others) < len(before):
            changed[number] = keypoints_document(others + added)
    return changed
