import av
import numpy as np
import pytest

from molmo2_handler.video.rgb import RgbConverter


def frame(image: np.ndarray, pixel_format: str = "yuv420p") -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixel_format)


def flat(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv444p", "yuv420p10le", "gray"])
def test_every_pixel_format_becomes_rgb(pixel_format: str) -> None:
    image = RgbConverter()(frame(flat(48, 64, (120, 120, 120)), pixel_format))
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - 120).max() <= 2


def test_a_video_may_change_its_size_and_format_on_the_way() -> None:
    convert = RgbConverter()
    assert convert(frame(flat(48, 64, (9, 9, 9)))).shape == (48, 64, 3)
    assert convert(frame(flat(36, 20, (9, 9, 9)), "yuv444p")).shape == (36, 20, 3)
    assert convert(frame(flat(48, 64, (9, 9, 9)))).shape == (48, 64, 3)


def test_the_colour_matrix_of_a_frame_is_honoured() -> None:
    red = frame(flat(48, 64, (200, 30, 30)))
    as_601 = RgbConverter()(red)
    red.colorspace = 1  # BT.709
    as_709 = RgbConverter()(red)
    assert np.abs(as_601[0, 0].astype(int) - (200, 30, 30)).max() <= 3
    assert as_709[0, 0, 1] != as_601[0, 0, 1]
