"""Whether samples are videos or images: the first thing to be known about a view."""

from collections.abc import Iterable
from typing import Literal

from fiftyone.core.collections import SampleCollection

from molmo2_client.sampling import Sampling
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.images import IMAGE_OPERATION_NAMES
from molmo2_contract.operations import OPERATION_NAMES

MediaType = Literal["video", "image"]


def media_type_of(view: SampleCollection) -> MediaType:
    """What ``view`` holds: videos and clips of them, or images.

    Raises:
        ValueError: anything else, naming it and what to pass instead.
    """
    if view.media_type == "group":
        raise ValueError(
            "the dataset is grouped: pass the slice with the videos or the images, "
            "dataset.select_group_slices('name')"
        )
    if view._is_patches or view._is_frames:
        held, whole = ("patches", "images") if view._is_patches else ("frames", "videos")
        raise ValueError(
            f"the view holds {held}, about which nothing can be asked by themselves: pass the "
            f"{whole} that they are of"
        )
    match view.media_type:
        case "video":
            return "video"
        case "image":
            return "image"
        case None:
            raise ValueError("the dataset has no samples yet: add videos or images to it")
        case other:
            raise ValueError(f"the samples are of media type {other!r}, must be 'video' or 'image'")


def check_sampling(sampling: Sampling, media_type: MediaType) -> None:
    """Refuses a sampling that is out of its bounds, and one of images.

    Raises:
        InvalidRequest: naming it.
    """
    if sampling.given and media_type == "image":
        raise InvalidRequest(
            f"{', '.join(sampling.given)}: images have no frames to sample", field="video"
        )
    sampling.check()


def check_operations(operations: Iterable[str], media_type: MediaType) -> None:
    """Refuses operations that need a video where there are images.

    Raises:
        InvalidRequest: naming them, and those that images can be asked.
    """
    if media_type == "video":
        return
    of_videos = [name for name in OPERATION_NAMES if name not in IMAGE_OPERATION_NAMES]
    asked = [name for name in operations if name in of_videos]
    if asked:
        raise InvalidRequest(
            f"operations: {', '.join(asked)} can be asked about videos only, and the samples "
            f"are images; ask {', '.join(IMAGE_OPERATION_NAMES)}",
            field="operations",
        )
