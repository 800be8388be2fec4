"""Images are cut as transformers' processor cuts them."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.molmo2.image_processing_molmo2 import Molmo2ImageProcessor

from molmo2_engine.prompt.cropping import cut, image_grid
from molmo2_engine.prompt.formats import ImageFormat

FORMAT = ImageFormat(
    size=84,
    patch_size=14,
    pooling_size=(2, 2),
    max_crops=8,
    overlap_margins=(1, 1),
    column_tokens=True,
    whole_column_tokens=False,
    whole_start_token=True,
)


class Processor(SimpleNamespace):
    """transformers' own geometry, over the two primitives that it takes from torchvision."""

    _build_overlapping_crops = Molmo2ImageProcessor._build_overlapping_crops
    cut = Molmo2ImageProcessor._image_batch_to_patches_and_grids

    def resize(self, image, size, **_):
        size = (size.height, size.width)
        return F.interpolate(image, size=size, mode="bilinear", align_corners=False)

    def rescale_and_normalize(self, image, *_):
        return image


def reference(pixels, image_format):
    """Pixels as patches, pooling windows and grid of one image."""
    grid, patches, windows = Processor().cut(
        pixels.permute(2, 0, 1)[None],
        max_crops=image_format.max_crops,
        overlap_margins=list(image_format.overlap_margins),
        crop_size=image_format.size,
        resample=None,
        do_rescale=False,
        rescale_factor=1.0,
        do_normalize=False,
        image_mean=[0.5],
        image_std=[0.5],
        image_patch_size=image_format.patch_size,
        image_pooling_h=image_format.pooling_size[0],
        image_pooling_w=image_format.pooling_size[1],
    )
    return grid[0].tolist(), patches[0], windows[0]


def as_patches(crops, patch):
    count, size, _, _ = crops.shape
    side = size // patch
    rows = crops.reshape(count, side, patch, side, patch, 3).transpose(2, 3)
    return rows.reshape(count, side * side, -1)


@settings(max_examples=40)
@given(
    height=st.integers(20, 400),
    width=st.integers(20, 400),
    margins=st.sampled_from([(1, 1), (0, 1), (2, 1)]),
    seed=st.integers(0, 2**31),
)
def test_crops_windows_and_grid_equal_the_processors(height, width, margins, seed):
    image_format = ImageFormat(**{**vars(FORMAT), "overlap_margins": margins})
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (height, width, 3), generator=random, dtype=torch.uint8)
    grid, patches, windows = reference(pixels, image_format)
    mine = cut(pixels, image_format)
    assert [*mine.grid.whole, *mine.grid.parts] == grid
    assert torch.equal(mine.windows, windows)
    assert torch.equal(as_patches(mine.crops, 14), patches)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (1080, 1920), (300, 2000), (1, 1)])
def test_the_released_format_agrees_too(height, width):
    released = ImageFormat(378, 14, (2, 2), 8, (4, 4), True, False, True)
    pixels = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8)
    grid, patches, windows = reference(pixels, released)
    mine = cut(pixels, released)
    assert [*mine.grid.whole, *mine.grid.parts] == grid
    assert torch.equal(mine.windows, windows)
    assert torch.equal(as_patches(mine.crops, 14), patches)


def test_the_grid_is_known_before_the_pixels_are():
    for height, width in [(480, 640), (50, 400)]:
        pixels = torch.zeros((height, width, 3), dtype=torch.uint8)
        assert image_grid(height, width, FORMAT) == cut(pixels, FORMAT).grid
