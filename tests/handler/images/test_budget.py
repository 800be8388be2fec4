"""What the images of a request may cost together: each bound is told with its setting."""

import io
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

from molmo2_contract.errors import DeadlineExceeded, TooLarge
from molmo2_handler.images import ImageBudget, open_image
from molmo2_handler.video import VideoLimits


def png(width=100, height=100):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def budget(seconds=60.0, **limits):
    return ImageBudget(VideoLimits(**limits), time.monotonic() + seconds)


def opened(budget, *bodies):
    return [open_image(place, None, body, budget) for place, body in enumerate(bodies)]


def refusal(budget, *bodies):
    """Of the last of ``bodies``; those before it are let in."""
    *first, last = bodies
    opened(budget, *first)
    with pytest.raises(TooLarge) as raised:
        open_image(len(first), None, last, budget).pixels()
    assert raised.value.field == f"images[{len(first)}]"
    return raised.value.message


def test_pixels_of_one_image_and_of_all_together_are_bounded():
    assert "setting max_pixels" in refusal(budget(max_pixels=9_999), png())
    together = refusal(budget(max_images_pixels=29_999), png(), png(), png())
    assert "take 30000 pixels; " in together
    assert "up to 29999 on the images of a request (setting max_images_pixels)" in together


def test_bytes_of_all_images_together_are_bounded():
    body = png()
    message = refusal(budget(max_images_bytes=2 * len(body) - 1), body, body)
    assert f"take {2 * len(body)} bytes" in message
    assert "setting max_images_bytes" in message


def test_files_count_as_sent_bytes_do(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png())
    limited = budget(allowed_roots=(tmp_path,), max_images_bytes=2 * path.stat().st_size - 1)
    open_image(0, path.as_uri(), None, limited).close()
    with pytest.raises(TooLarge, match="max_images_bytes"):
        open_image(1, path.as_uri(), None, limited)


def test_cpu_time_is_bounded_over_all_images():
    limited = budget(max_decode_cpu_seconds=0.2)
    first, second = opened(limited, png(), png())
    first.pixels()
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    with pytest.raises(TooLarge, match=r"up to 0\.2 s .*setting max_decode_cpu_seconds"):
        second.pixels()


def test_cpu_time_is_looked_at_while_one_image_is_decoded():
    limited = budget(max_decode_cpu_seconds=0.2)
    (image,) = opened(limited, png(600, 600))  # some hundred kilobytes: several reads
    read = image._source.file.read

    def slow(size):
        time.sleep(0)
        began = time.process_time()
        while time.process_time() - began < 0.15:
            pass
        return read(size)

    image._image.fp._file = type("Slow", (), {"read": staticmethod(slow)})
    with pytest.raises(TooLarge, match="max_decode_cpu_seconds"):
        image.pixels()


def test_a_deadline_that_passed_stops_the_decoding():
    limited = budget(seconds=0.3)
    (image,) = opened(limited, png())
    time.sleep(0.3)
    with pytest.raises(DeadlineExceeded, match="raise timeout"):
        image.pixels()


def refusal_for_memory():
    file = io.BytesIO()
    Image.new("RGB", (8000, 4000)).save(file, "BMP")
    limits = {"max_images_bytes": 2**28, "max_decode_memory_bytes": 2**26}
    return refusal(budget(**limits), file.getvalue())


def test_memory_is_bounded():
    # Not in a process where other tests have left memory free: what is free is not bounded.
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        message = processes.submit(refusal_for_memory).result()
    assert "more than 67108864 bytes of memory to decode" in message
    assert "setting max_decode_memory_bytes" in message
