import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from molmo2_handler.video.resize import BilinearResizer

needs_fused_multiply_add = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() == "DEFAULT",
    reason="torch's own results differ in rare last bits on a CPU without fused multiply-add",
)


def resize(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    return BilinearResizer(image.shape[0], image.shape[1], size)(image)


def torch_resize(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """With two threads: torch rounds in another order where it has only one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        return interpolate(image, size)
    finally:
        torch.set_num_threads(threads)


def interpolate(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float().contiguous()
    resized = torch.nn.functional.interpolate(
        pixels, size=(size, size), mode="bilinear", align_corners=False
    )
    channels_last = resized.round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0)
    return channels_last.numpy()


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@needs_fused_multiply_add
@pytest.mark.parametrize("size", [84, 168, 378, 400])
@pytest.mark.parametrize(
    ("height", "width"),
    [(720, 1280), (1080, 1920), (144, 176), (1279, 719), (378, 378), (756, 100)],
)
def test_every_value_is_that_of_torch(height: int, width: int, size: int) -> None:
    image = noise(height, width)
    assert np.array_equal(resize(image, size), torch_resize(image, size))


@needs_fused_multiply_add
@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    size=st.integers(65, 200),
    seed=st.integers(0, 2**32 - 1),
)
def test_it_is_at_any_size(height: int, width: int, size: int, seed: int) -> None:
    image = noise(height, width, seed)
    assert np.array_equal(resize(image, size), torch_resize(image, size))


def test_an_image_of_the_right_size_stays_as_it_is() -> None:
    image = noise(60, 60)
    assert np.array_equal(resize(image, 60), image)


def test_black_and_white_stay_black_and_white() -> None:
    for value in (0, 255):
        assert (resize(np.full((123, 77, 3), value, np.uint8), 50) == value).all()


def test_halves_are_rounded_to_the_even_neighbour() -> None:
    pairs = np.repeat(np.array([[0, 1, 2, 3], [0, 1, 2, 3]], np.uint8)[..., None], 3, axis=-1)
    assert resize(pairs, 2)[:, :, 0].tolist() == [[0, 2], [0, 2]]
