"""Draws the frames of a batch on the device, as a decoder would hand them to a server.

Shapes have the outlines of ``molmo2_demo.render``. What H.264 does to them is approximated: colour
at half the resolution, values rounded in YCbCr, and a little noise; then the resize of the server.
"""

import torch
import torch.nn.functional as F

from molmo2_demo.render import EDGE, HALF_SQUARE, TRIANGLE_BASE, TRIANGLE_SLOPE
from molmo2_demo.scene import COLORS
from molmo2_trainer.batch import Batch

NOISE = 3.0
"""Largest deviation, of 255, of what compression leaves wrong in a clip."""

_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def draw(batch: Batch, size: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """uint8 RGB [clips * frames, size, size, 3]; clips of one size are drawn together."""
    clips, frames = batch.visible.shape[:2]
    drawn = torch.empty(
        clips, frames, size, size, 3, dtype=torch.uint8, device=batch.centers.device
    )
    for height, width in {tuple(pair) for pair in batch.sizes.tolist()}:
        rows = ((batch.sizes[:, 0] == height) & (batch.sizes[:, 1] == width)).nonzero()[:, 0]
        images = _paint(batch, rows, height, width)
        images = _compress(images, generator)
        resized = F.interpolate(images, (size, size), mode="bilinear", align_corners=False)
        pixels = resized.round().clamp(0, 255).to(torch.uint8)
        drawn[rows] = pixels.unflatten(0, (len(rows), frames)).permute(0, 1, 3, 4, 2)
    return drawn.flatten(0, 1)


def _paint(batch: Batch, rows: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """float32 [clips * frames, 3, height, width], 0 to 255."""
    device = batch.centers.device
    centers, visible = batch.centers[rows].flatten(0, 1), batch.visible[rows].flatten(0, 1)
    frames = batch.visible.shape[1]
    down = torch.arange(height, device=device)[:, None] + 0.5
    right = torch.arange(width, device=device)[None, :] + 0.5
    images = batch.backgrounds[rows].repeat_interleave(frames, 0)[:, :, None, None]
    images = images.expand(-1, -1, height, width).clone()
    palette = torch.tensor(list(COLORS.values()), device=device).float()
    for place in range(centers.shape[1]):
        radius = batch.radii[rows, place].repeat_interleave(frames) * (width * height) ** 0.5
        look = batch.looks[rows, place].repeat_interleave(frames, 0)
        across = (right - (centers[:, place, 0] * width)[:, None, None]) / radius[:, None, None]
        below = (down - (centers[:, place, 1] * height)[:, None, None]) / radius[:, None, None]
        inside = _inside(look[:, 1], across, below)
        cover = torch.sigmoid(EDGE * radius[:, None, None] * inside)
        cover = (cover * visible[:, place, None, None])[:, None]
        color = palette[look[:, 0]][:, :, None, None]
        images += cover * (color - images)
    return images.round()


def _inside(form: torch.Tensor, right: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """How far inside the outline each place is, in radii; ``form`` is a place in ``FORMS``."""
    circle = 1 - torch.hypot(right, down)
    square = HALF_SQUARE - torch.maximum(right.abs(), down.abs())
    triangle = torch.minimum(TRIANGLE_BASE - down, (down + 1) / 2 - TRIANGLE_SLOPE * right.abs())
    which = form[:, None, None]
    return torch.where(which == 0, circle, torch.where(which == 1, square, triangle))


def _compress(images: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    matrix = torch.tensor(_TO_YCBCR, device=images.device)
    converted = torch.einsum("ij,njhw->nihw", matrix, images)
    luma, chroma = converted[:, :1], converted[:, 1:]
    strength = NOISE * torch.rand(len(luma), 1, 1, 1, device=images.device, generator=generator)
    luma = luma + strength * torch.randn(luma.shape, device=images.device, generator=generator)
    chroma = F.interpolate(F.avg_pool2d(chroma, 2).round(), luma.shape[2:])
    back = torch.linalg.inv(matrix)
    rounded = torch.cat([luma.round(), chroma], dim=1)
    return torch.einsum("ij,njhw->nihw", back, rounded).round().clamp(0, 255)
