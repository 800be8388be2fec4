"""Cuts an image into the crops that Molmo2 was trained on.

The image is resized as a whole to one crop, and again to a canvas of overlapping crops whose
tiling suits its proportions. Geometry and pooling windows are those of transformers' processor,
which itself cannot be loaded without torchvision.
"""

import torch
import torch.nn.functional as F
from transformers.models.molmo2.image_processing_molmo2 import (
    arange_for_pooling,
    compute_crop_geometry,
)

from molmo2_engine.prompt.formats import ImageFormat, ImageGrid
from molmo2_engine.prompt.media import Crops


def image_grid(height: int, width: int, image_format: ImageFormat) -> ImageGrid:
    """Rows and columns of visual tokens of an image of ``height`` x ``width`` pixels."""
    patch = image_format.patch_size
    _, _, canvas_height, canvas_width = _geometry(height, width, image_format)
    side = image_format.size // patch
    return ImageGrid(
        whole=_pooled(side, side, image_format),
        parts=_pooled(canvas_height // patch, canvas_width // patch, image_format),
    )


def cut(pixels: torch.Tensor, image_format: ImageFormat) -> Crops:
    """Args:
    pixels: uint8 RGB [height, width, 3].
    """
    size, patch = image_format.size, image_format.patch_size
    height, width, _ = pixels.shape
    rows, columns, canvas_height, canvas_width = _geometry(height, width, image_format)
    step = size - sum(image_format.overlap_margins) * patch
    canvas = _resize(pixels, canvas_height, canvas_width)
    parts = canvas.unfold(0, size, step).unfold(1, size, step).permute(0, 1, 3, 4, 2)
    whole = _resize(pixels, size, size)[None]
    pool = image_format.pooling_size
    side = size // patch
    low = arange_for_pooling(_grid(side, side), *pool)[0]
    patches = _patch_grid(rows, columns, side, image_format.overlap_margins)
    high = arange_for_pooling(patches, *pool)[0]
    high = torch.where(high >= 0, high + side**2, high)
    return Crops(
        crops=torch.cat([whole, parts.flatten(0, 1)]),
        windows=torch.cat([low, high]),
        grid=image_grid(height, width, image_format),
    )


def _geometry(height: int, width: int, image_format: ImageFormat) -> tuple[int, int, int, int]:
    """Rows and columns of crops, height and width of the canvas in pixels."""
    return compute_crop_geometry(
        height,
        width,
        max_crops=image_format.max_crops,
        overlap_margins=list(image_format.overlap_margins),
        crop_size=image_format.size,
        patch_size=image_format.patch_size,
    )


def _pooled(rows: int, columns: int, image_format: ImageFormat) -> tuple[int, int]:
    height, width = image_format.pooling_size
    return -(-rows // height), -(-columns // width)


def _resize(pixels: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Bilinear without antialiasing, in float32, rounded: as the reference, not its uint8 path."""
    planes = pixels.permute(2, 0, 1)[None].float()
    resized = F.interpolate(planes, size=(height, width), mode="bilinear", align_corners=False)
    return resized[0].permute(1, 2, 0).round_().clamp_(0, 255).to(torch.uint8)


def _grid(rows: int, columns: int) -> torch.Tensor:
    return torch.arange(rows * columns).reshape(rows, columns)


def _patch_grid(rows: int, columns: int, side: int, margins: tuple[int, int]) -> torch.Tensor:
    """Where each patch of the canvas is found among the patches of ``rows`` x ``columns`` crops.

    Neighbouring crops overlap by both margins; a patch that two crops show belongs to the one in
    which it lies further from the border.
    """
    before, after = margins
    index = _grid(rows * columns, side * side).reshape(rows, columns, side, side)
    lines = []
    for row in range(rows):
        top, bottom = _owned(row, rows, side, before, after)
        line = [
            index[row, column, top:bottom, slice(*_owned(column, columns, side, before, after))]
            for column in range(columns)
        ]
        lines.append(torch.cat(line, dim=1))
    return torch.cat(lines)


def _owned(place: int, places: int, side: int, before: int, after: int) -> tuple[int, int]:
    """The patches of a crop, along one axis, that are its own; the outermost own their rim."""
    return (before if place else 0), (side if place == places - 1 else side - after)
