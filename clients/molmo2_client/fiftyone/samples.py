"""Which samples can be labelled, and how they are reached."""

from collections.abc import Sequence

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.questions import Question


def check_videos(view: SampleCollection) -> None:
    """Refuses everything but whole videos.

    Raises:
        ValueError: naming what the view holds, and what to pass instead.
    """
    if view._is_clips:
        raise ValueError(
            "the view holds clips, whose labels have no place of their own in the dataset: label "
            "the whole videos with dataset.select(clips.distinct('sample_id')), or write the "
            "clips as files with clips.export(folder, dataset_type=fo.types.VideoDirectory) and "
            "label a dataset of those"
        )
    if view.media_type == "group":
        raise ValueError(
            "the dataset is grouped: pass the slice with the videos, "
            "dataset.select_group_slices('name')"
        )
    if view.media_type != "video":
        raise ValueError(f"the samples are of media type {view.media_type!r}, must be 'video'")


def check_prompt_fields(view: SampleCollection, questions: Sequence[Question]) -> None:
    """Refuses prompts that are not one string a sample.

    Raises:
        ValueError: naming the field and what it is.
    """
    for question in questions:
        name = question.prompt_field
        if name is None:
            continue
        found = view._dataset.get_field(name)
        if found is None:
            raise ValueError(f"prompt_field={name!r}: the dataset has no such field")
        if name.startswith("frames.") or not isinstance(found, fo.StringField):
            raise ValueError(
                f"prompt_field={name!r}: is {type(found).__name__}, must be a string field of "
                "the sample"
            )


def all_videos(view: SampleCollection) -> SampleCollection:
    """All videos of the dataset of ``view``, with all their fields.

    Samples are read and written through this by their ids: ``view`` may leave fields out, and a
    grouped dataset shows only one of its slices.
    """
    dataset = view._dataset
    if dataset.media_type == "group":
        return dataset.select_group_slices(media_type="video")
    return dataset
