"""Draws the frames of scenes on the device, as a decoder would hand them to a server.

Shapes have the outlines of ``molmo2_demo.render`` with edges as soft as at the video's size, and
are drawn at the size that the server's resize makes of it: each pixel by its middle, as that resize
takes it from the pixels around. What H.264 does to them is approximated by a little noise.
"""

import torch

from molmo2_demo.render import EDGE, HALF_SQUARE, TRIANGLE_BASE, TRIANGLE_SLOPE
from molmo2_demo.scene import COLORS
from molmo2_trainer.scenes import Scenes

NOISE = 2.0
"""Largest deviation, of 255, of what compression leaves wrong in a clip."""


def draw(scenes: Scenes, size: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """uint8 RGB [clips * frames, size, size, 3]."""
    device = scenes.centers.device
    frames = scenes.visible.shape[1]
    centers, visible = scenes.centers.flatten(0, 1), scenes.visible.flatten(0, 1)
    middles = (torch.arange(size, device=device) + 0.5) / size
    height, width = scenes.sizes[:, 0].float(), scenes.sizes[:, 1].float()
    images = scenes.backgrounds.repeat_interleave(frames, 0)[:, :, None, None]
    images = images.expand(-1, -1, size, size).clone()
    palette = torch.tensor(list(COLORS.values()), device=device).float()
    for place in range(centers.shape[1]):
        radius = scenes.radii[:, place] * (width * height).sqrt()
        across, down, radii = (
            each.repeat_interleave(frames)[:, None] for each in (width, height, radius)
        )
        look = scenes.looks[:, place].repeat_interleave(frames, 0)
        right = (middles - centers[:, place, :1]) * across / radii
        below = (middles - centers[:, place, 1:]) * down / radii
        inside = _inside(look[:, 1], right[:, None, :], below[:, :, None])
        cover = torch.sigmoid(EDGE * radii[:, :, None] * inside) * visible[:, place, None, None]
        images += cover[:, None] * (palette[look[:, 0]][:, :, None, None] - images)
    strength = NOISE * torch.rand(len(images), 1, 1, 1, device=device, generator=generator)
    noise = torch.randn(len(images), 1, size, size, device=device, generator=generator)
    pixels = (images + strength * noise).round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous()


def _inside(form: torch.Tensor, right: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """How far inside the outline each place is, in radii; ``form`` is a place in ``FORMS``."""
    circle = 1 - torch.hypot(right, down)
    square = HALF_SQUARE - torch.maximum(right.abs(), down.abs())
    triangle = torch.minimum(TRIANGLE_BASE - down, (down + 1) / 2 - TRIANGLE_SLOPE * right.abs())
    which = form[:, None, None]
    return torch.where(which == 0, circle, torch.where(which == 1, square, triangle))
