"""A server's response in the form that ``apply_model`` stores: by suffix, and by frame.

``apply_model`` makes field names of its ``label_field`` and these suffixes. They are those of the
zoo model that runs in the caller's process, so a dataset has the same fields from either.
"""

from typing import Any, Self

from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.keypoint_documents import to_label
from molmo2_client.fiftyone.labels import Labels
from molmo2_client.fiftyone.media_type import MediaType

Predicted = dict[Any, Any] | None
"""``{suffix: label}``, or ``{frame number: {suffix: label}}``. FiftyOne takes no empty dict."""

ZOO_SUFFIXES = {
    "analysis_events": "events",
    "activities_primary": "activities_primary_activity",
    "activities_secondary": "activities_secondary_activities",
}
"""Where the zoo model has another suffix than ``fields``: it fills one operation a field."""


class ZooFieldNames(FieldNames):
    """The fields of one ``label_field`` of ``apply_model``."""

    @classmethod
    def of_label(cls, label_field: str, media_type: MediaType = "video") -> Self:
        return cls(label_field, f"{label_field}_embedding", media_type)

    def sample(self, suffix: str) -> str:
        return super().sample(ZOO_SUFFIXES.get(suffix, suffix))

    def suffix(self, path: str) -> str:
        """The end of the name of a field of these, of frames or not."""
        return path.removeprefix("frames.").removeprefix(f"{self.label_field}_")


def as_predicted(labels: Labels, names: ZooFieldNames) -> Predicted:
    """The labels of one operation."""
    frames: dict[int, dict[str, Any]] = {}
    for path, found in labels.frames.items():
        for frame, label in found.items():
            frames.setdefault(frame, {})[names.suffix(path)] = to_label(label)
    values = {names.suffix(path): value for path, value in labels.values.items()}
    return frames or values or None
