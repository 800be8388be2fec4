"""Which fields each operation fills, and their declaration on a dataset.

With ``label_field="molmo2"``:

    pointing               frames.molmo2_points           Keypoints
    tracking               frames.molmo2_tracks           Keypoints
    describe               molmo2_description             string
    temporal_localization  molmo2_events                  TemporalDetections
    comprehensive          molmo2_summary                 string
                           molmo2_analysis_events         TemporalDetections
                           molmo2_objects                 TemporalDetections
                           molmo2_text_content            TemporalDetections
                           molmo2_scene_info_setting      Classification, and so _time_of_day
                                                          and _location_type
                           molmo2_activities_primary      Classification
                           molmo2_activities_secondary    Classifications
    embed                  molmo2_embedding               vector (float32)
      with per_frame       frames.molmo2_embedding        the same
    every run              molmo2_run                     see ``record``

Two operations find events. ``temporal_localization`` owns ``_events``; those of ``comprehensive``
go to ``_analysis_events`` whether or not both are asked, so that a field never depends on what
else was asked, in this call or in a later one.

Images have no frames and no events. Their ``pointing`` fills the sample's own ``molmo2_points``,
also ``Keypoints``; ``describe`` and ``embed`` are as above.

A field's type is fixed here, before the first request, and never depends on an answer.
"""

from dataclasses import dataclass

from molmo2_client.fiftyone.media_type import MediaType
from molmo2_client.fiftyone.schema import (
    CLASSIFICATION,
    CLASSIFICATIONS,
    EVENTS,
    KEYPOINTS,
    PLAIN_KEYPOINTS,
    TEXT,
    VECTOR,
    FieldType,
)

FRAME_FIELDS = {"pointing": {"points": KEYPOINTS}, "tracking": {"tracks": KEYPOINTS}}
"""Operation to the suffixes and types of its frame-level fields."""

SAMPLE_FIELDS = {
    "describe": {"description": TEXT},
    "temporal_localization": {"events": EVENTS},
    "comprehensive": {
        "summary": TEXT,
        "analysis_events": EVENTS,
        "objects": EVENTS,
        "text_content": EVENTS,
        "scene_info_setting": CLASSIFICATION,
        "scene_info_time_of_day": CLASSIFICATION,
        "scene_info_location_type": CLASSIFICATION,
        "activities_primary": CLASSIFICATION,
        "activities_secondary": CLASSIFICATIONS,
    },
}
"""Operation to the suffixes and types of its sample-level fields."""

IMAGE_FIELDS = {"pointing": {"points": PLAIN_KEYPOINTS}, "describe": {"description": TEXT}}
"""The same for images, whose fields are all of the sample."""


@dataclass(frozen=True)
class FieldNames:
    """The names of all fields of one ``label_field`` of videos, or of images."""

    label_field: str
    embeddings_field: str
    media_type: MediaType = "video"
    frame_vectors: bool = False
    """Whether ``embed`` fills the frames' field of the same name, too."""

    def __post_init__(self) -> None:
        for setting in ("label_field", "embeddings_field"):
            name = getattr(self, setting)
            if not name or name.startswith("_") or any(c in name for c in ".$\0"):
                raise ValueError(
                    f"{setting}={name!r}: must not be empty, start with '_', or contain '.' or "
                    "'$'; give a plain name, without 'frames.'"
                )

    @property
    def run(self) -> str:
        return self.sample("run")

    @property
    def frame_embeddings(self) -> str:
        return f"frames.{self.embeddings_field}"

    @property
    def has_frame_vectors(self) -> str:
        """Where a run record says whether the sample's frames have vectors."""
        return f"{self.run}.embed.per_frame"

    def sample(self, suffix: str) -> str:
        return f"{self.label_field}_{suffix}"

    def frame(self, suffix: str) -> str:
        return f"frames.{self.label_field}_{suffix}"

    def of(self, operation: str) -> dict[str, FieldType]:
        """Path to type of the fields that ``operation`` fills."""
        if operation == "embed":
            of_frames = {self.frame_embeddings: VECTOR} if self.frame_vectors else {}
            return {self.embeddings_field: VECTOR, **of_frames}
        if self.media_type == "image":
            frames, samples = {}, IMAGE_FIELDS.get(operation, {})
        else:
            frames, samples = FRAME_FIELDS.get(operation, {}), SAMPLE_FIELDS.get(operation, {})
        return {self.frame(suffix): kind for suffix, kind in frames.items()} | {
            self.sample(suffix): kind for suffix, kind in samples.items()
        }
