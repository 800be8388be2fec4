"""Images from their bytes to upright pixels."""

import contextlib
import io
import os
import random
import time

import numpy as np
import pytest
from damage import beginning_lost, bits_flipped, overwritten, truncated
from PIL import Image

from molmo2_contract.errors import (
    InvalidRequest,
    Molmo2Error,
    TooLarge,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_handler.images import ImageBudget, open_image
from molmo2_handler.video import VideoLimits

LIMITS = VideoLimits(max_pixels=100_000, max_video_bytes=1_000_000)


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def gradient(width=60, height=40):
    x = np.linspace(0, 255, width, dtype=np.uint8)
    y = np.linspace(0, 255, height, dtype=np.uint8)
    return np.dstack(
        [
            np.tile(x, (height, 1)),
            np.tile(y[:, None], (1, width)),
            np.zeros((height, width), np.uint8),
        ]
    )


def opened(body=None, uri=None, limits=LIMITS):
    return open_image(0, uri, body, ImageBudget(limits, time.monotonic() + 10))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_pixels_are_those_of_the_file(kind):
    with opened(encoded(Image.fromarray(gradient()), kind)) as image:
        assert (image.info.width, image.info.height) == (60, 40)
        assert np.array_equal(image.pixels(), gradient())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(kind):
    with opened(encoded(Image.fromarray(gradient()), kind, quality=95)) as image:
        assert np.abs(image.pixels().astype(int) - gradient()).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = encoded(Image.fromarray(gradient()), "PNG", exif=exif)
    with opened(body) as image:
        pixels = image.pixels()
        assert (image.info.height, image.info.width, 3) == pixels.shape
        assert (image.info.width == 40) == (orientation >= 5)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_other_colour_modes_become_rgb(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    with opened(encoded(Image.new(mode, (20, 10)), kind)) as image:
        assert image.pixels().shape == (10, 20, 3)


def test_an_animation_is_its_first_frame():
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    body = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with opened(body) as image:
        assert (image.pixels() == [255, 0, 0]).all()


@pytest.mark.parametrize(
    "body",
    [b"x", os.urandom(5000), b"<svg/>", b"P6 1 1 255 abc"],
    ids=["one", "noise", "svg", "ppm"],
)
def test_what_is_no_image_is_unreadable(body):
    with pytest.raises(VideoUnreadable) as error:
        opened(body)
    assert error.value.field == "images[0]"
    assert error.value.message == (
        "the image sent with the request is not an image that can be decoded (JPEG, PNG, WEBP, "
        "GIF, BMP, TIFF): it begins like none of them"
    )


def test_a_damaged_image_is_unreadable():
    body = encoded(
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8))
    )
    with opened(body[: len(body) // 2]) as image, pytest.raises(VideoUnreadable):
        image.pixels()


def test_too_many_pixels_are_refused_before_they_are_decoded():
    body = encoded(Image.new("1", (20_000, 20_000)))
    with pytest.raises(TooLarge, match="max_pixels"):
        opened(body)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_damaged_images_are_read_or_refused_and_nothing_else(kind):
    whole = encoded(Image.fromarray(gradient()), kind)
    for seed in range(60):
        chance = random.Random(seed)
        damage = chance.choice([bits_flipped, truncated, beginning_lost, overwritten])
        with contextlib.suppress(Molmo2Error), opened(damage(chance, whole)) as image:
            assert image.pixels().shape == (image.info.height, image.info.width, 3)


def test_uris_are_held_to_the_rules_of_videos(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out.png"
    inside.mkdir()
    for path in (inside / "a.png", outside):
        path.write_bytes(encoded(Image.fromarray(gradient())))
    limits = VideoLimits(allowed_roots=(inside,))
    with opened(uri=(inside / "a.png").as_uri(), limits=limits) as image:
        assert image.info.width == 60
    for uri, kind in [
        (outside.as_uri(), VideoForbidden),
        ((inside / "b.png").as_uri(), VideoNotFound),
        ("ftp://example.org/a.png", InvalidRequest),
    ]:
        with pytest.raises(kind) as error:
            opened(uri=uri, limits=limits)
        assert error.value.field == "images[0]"
        assert error.value.message.startswith("images[0]: ")
