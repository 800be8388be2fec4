"""The scenes of clips as tensors: what is drawn, and what eyes should see in it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch

from molmo2_demo.scene import COLORS, FORMS
from molmo2_trainer.answers import numbering, telling
from molmo2_trainer.clip import Clip

MOST_SHAPES = 3
MOTIONS = ("stays still", "moves left", "moves right", "moves up", "moves down")


@dataclass
class Scenes:
    """``n`` clips of ``f`` frames and ``s`` shapes at most."""

    centers: torch.Tensor
    """float32 [n, f, s, 2]"""
    visible: torch.Tensor
    """bool [n, f, s]"""
    radii: torch.Tensor
    """float32 [n, s]: fractions of the square root of the frame's area."""
    looks: torch.Tensor
    """int64 [n, s, 2]: places in ``COLORS`` and ``FORMS``."""
    numbers: torch.Tensor
    """int64 [n, s]: places in the order in which pointing and tracking number them."""
    tellings: torch.Tensor
    """int64 [n, s]: places in the order in which they are told."""
    motions: torch.Tensor
    """int64 [n, s]: places in ``MOTIONS``."""
    backgrounds: torch.Tensor
    """float32 [n, 3], 0 to 255."""
    sizes: torch.Tensor
    """int64 [n, 2]: height and width of the video."""

    @classmethod
    def of(cls, clips: Sequence[Clip], frames: Sequence[Sequence[int]] | None = None) -> Self:
        """``frames``: the numbers of those that are taken of each clip, as many of each."""
        taken = frames or [range(len(clip.times)) for clip in clips]
        colors = list(COLORS)
        shape = len(clips), len(taken[0]), MOST_SHAPES
        centers = torch.zeros(*shape, 2)
        visible = torch.zeros(*shape, dtype=torch.bool)
        radii = torch.ones(len(clips), MOST_SHAPES)
        looks = torch.zeros(len(clips), MOST_SHAPES, 2, dtype=torch.int64)
        numbers, tellings, motions = (
            torch.zeros(len(clips), MOST_SHAPES, dtype=torch.int64) for _ in range(3)
        )
        for row, clip in enumerate(clips):
            shown = [clip.shown[frame] for frame in taken[row]]
            numbered, told = numbering(clip, clip.scene.shapes), telling(clip)
            for place, each in enumerate(clip.scene.shapes):
                radii[row, place] = each.radius
                looks[row, place, 0] = colors.index(each.color)
                looks[row, place, 1] = FORMS.index(each.form)
                numbers[row, place] = numbered.index(place)
                tellings[row, place] = told.index(place)
                motions[row, place] = MOTIONS.index(each.motion)
                centers[row, :, place] = torch.tensor([each.center(time) for time in shown])
                visible[row, :, place] = torch.tensor([each.visible(time) for time in shown])
        return cls(
            centers=centers,
            visible=visible,
            radii=radii,
            looks=looks,
            numbers=numbers,
            tellings=tellings,
            motions=motions,
            backgrounds=torch.tensor([clip.scene.background for clip in clips]).float(),
            sizes=torch.tensor(
                [[clip.video_format.height, clip.video_format.width] for clip in clips]
            ),
        )

    def to(self, device: torch.device) -> Self:
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return type(self)(**moved)

    def cells(self, grid: tuple[int, int]) -> torch.Tensor:
        """The visual token of its frame that holds each centre: int64 [n, f, s]."""
        rows, columns = grid
        across = (self.centers[..., 0] * columns).long().clamp(0, columns - 1)
        down = (self.centers[..., 1] * rows).long().clamp(0, rows - 1)
        return down * columns + across
