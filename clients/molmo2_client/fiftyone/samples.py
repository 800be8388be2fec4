"""How samples are reached, and the fields that their prompts come from."""

from collections.abc import Sequence

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.questions import Question


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
            of_clips = f"; clips take it along with to_clips(…, other_fields={name!r})"
            raise ValueError(
                f"prompt_field={name!r}: the {'clips have' if view._is_clips else 'dataset has'} "
                f"no such field{of_clips if view._is_clips else ''}"
            )
        if name.startswith("frames.") or not isinstance(found, fo.StringField):
            raise ValueError(
                f"prompt_field={name!r}: is {type(found).__name__}, must be a string field of "
                "the sample"
            )


def all_samples(view: SampleCollection) -> SampleCollection:
    """All samples of the kind that ``view`` holds, with all their fields: videos, clips or images.

    Samples are read and written through this by their ids: ``view`` may leave fields out, and a
    grouped dataset shows only one of its slices.
    """
    return _of_media_type(view._dataset, view.media_type)


def all_videos(view: SampleCollection) -> SampleCollection:
    """All videos whose frames ``view`` shows: those of the dataset, also where it holds clips.

    Of images it is ``all_samples``.
    """
    return _of_media_type(view._root_dataset, view.media_type)


def _of_media_type(dataset: fo.Dataset, media_type: str) -> SampleCollection:
    if dataset.media_type == "group":
        return dataset.select_group_slices(media_type=media_type)
    return dataset
