from pathlib import Path

import pytest
from pydantic import ValidationError

from molmo2_handler.video import VideoLimits


def test_no_folder_is_readable_unless_the_operator_says_so() -> None:
    assert VideoLimits().allowed_roots == ()


def test_a_relative_root_is_refused() -> None:
    with pytest.raises(ValidationError, match="'data' must be an absolute path"):
        VideoLimits(allowed_roots=(Path("data"),))


@pytest.mark.parametrize(
    "name",
    [
        "max_video_bytes",
        "max_duration",
        "max_frame_count",
        "max_pixels",
        "max_decoded_frames",
        "max_decode_cpu_seconds",
        "max_decode_memory_bytes",
        "max_images_bytes",
        "max_images_pixels",
        "max_sampled_frames",
        "decode_threads",
    ],
)
def test_every_bound_is_greater_than_zero(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        VideoLimits.model_validate({name: 0})


def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_video_byte"):
        VideoLimits.model_validate({"max_video_byte": 1})
