"""Writes labels and run records in small batches, in an order that survives being killed."""

from collections.abc import Mapping
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.clip_frames import with_others
from molmo2_client.fiftyone.labels import Labels
from molmo2_client.fiftyone.record import Record, merged, without

FLUSH_SAMPLES = 10
"""Samples written at once, at most. One at a time costs the same, and a process that is killed
has lost no more than this many answers besides those that were on their way."""


class LabelWriter:
    """Collects what is to be written and writes it every ``FLUSH_SAMPLES`` samples.

    A flush first takes the operations that are redone out of the run records, then clears their
    frame labels, writes labels, and writes run records last. So a record never promises labels
    that are not there, whenever the process ends, and a sample without its record is asked again.

    The frame labels of clips go into ``videos``, the collection that the clips are of.
    """

    def __init__(
        self, samples: SampleCollection, run_field: str, *, videos: SampleCollection | None = None
    ) -> None:
        self._samples = samples
        self._videos = samples if videos is None else videos
        self._run_field = run_field
        self._pending: dict[str, tuple[Labels, Record]] = {}

    def add(self, sample_id: str, labels: Labels, record: Record) -> None:
        """Takes one sample's labels and record; adding it again replaces them."""
        self._pending[sample_id] = (labels, record)
        if len(self._pending) >= FLUSH_SAMPLES:
            self.flush()

    def flush(self) -> None:
        """Writes everything collected. Interrupted, it can be called again."""
        if not self._pending:
            return
        earlier = self._earlier_records()
        pending = {sample_id: self._pending[sample_id] for sample_id in earlier}
        labels = {sample_id: each for sample_id, (each, _) in pending.items()}
        records = {sample_id: each for sample_id, (_, each) in pending.items()}
        self._set(self._run_field, _forget(earlier, records))
        self._write_frames(labels)
        for path, values in _by_path(labels).items():
            self._set(path, values)
        self._set(
            self._run_field,
            {
                sample_id: merged(earlier[sample_id], record)
                for sample_id, record in records.items()
            },
        )
        self._pending.clear()

    def _earlier_records(self) -> dict[str, fo.DynamicEmbeddedDocument | None]:
        """By sample, for those that have not been deleted in the meantime."""
        samples = self._samples.select(list(self._pending))
        return dict(zip(*samples.values(["id", self._run_field]), strict=True))

    def _write_frames(self, labels: Mapping[str, Labels]) -> None:
        whole = {sample_id: each for sample_id, each in labels.items() if each.clip is None}
        self._clear_frames(whole)
        for path, frames in _frames_by_path(whole).items():
            self._set(path, frames)
        clips = with_others(self._videos, (each for each in labels.values() if each.clip))
        for path, frames in clips.items():
            self._set(path, frames, self._videos)

    def _clear_frames(self, labels: Mapping[str, Labels]) -> None:
        replaced: dict[str, list[str]] = {}
        for sample_id, each in labels.items():
            for path in each.frames:
                replaced.setdefault(path, []).append(sample_id)
        for path, sample_ids in replaced.items():
            samples = self._samples.select(sample_ids)
            samples.clear_frame_field(path.removeprefix("frames."))

    def _set(
        self, path: str, values: Mapping[str, Any], samples: SampleCollection | None = None
    ) -> None:
        """``values`` by sample id. The fields are declared, so nothing is inferred or checked."""
        if values:
            (samples or self._samples).set_values(
                path, dict(values), key_field="id", validate=False, expand_schema=False
            )


def _forget(
    earlier: Mapping[str, fo.DynamicEmbeddedDocument | None], records: Mapping[str, Record]
) -> dict[str, fo.DynamicEmbeddedDocument]:
    return {
        sample_id: without(document, records[sample_id].outcomes)
        for sample_id, document in earlier.items()
        if document is not None
    }


def _by_path(labels: Mapping[str, Labels]) -> dict[str, dict[str, Any]]:
    """Path to sample id to what is written there."""
    paths: dict[str, dict[str, Any]] = {}
    for sample_id, each in labels.items():
        for path, value in each.values.items():
            paths.setdefault(path, {})[sample_id] = value
    return paths


def _frames_by_path(labels: Mapping[str, Labels]) -> dict[str, dict[str, Any]]:
    """``_by_path`` for frames; a sample without frames to write is left out."""
    paths: dict[str, dict[str, Any]] = {}
    for sample_id, each in labels.items():
        for path, frames in each.frames.items():
            if frames:
                paths.setdefault(path, {})[sample_id] = frames
    return paths
