"""What must be readable, by one linear map, from visual tokens."""

import torch
import torch.nn.functional as F
from torch import nn

from molmo2_demo.scene import COLORS, FORMS
from molmo2_trainer.scenes import MOST_SHAPES, MOTIONS, Scenes

LOOKS = len(COLORS) * len(FORMS)
PLACE_SCALE = 10.0
"""Distances are errors of this many times a fraction of the frame, squared."""

ROUGH_PLACE_SCALE = 3.0
"""The same for the language model, which need not keep as much of it."""

MOST_FRAMES = 13


class Sight(nn.Module):
    """From the eyes' features: which shape has its centre in this part of the frame, and where.

    Told only by the words of answers, the vision encoder learns nothing for a long time.
    """

    def __init__(self, hidden: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid
        self.linear = nn.Linear(hidden, LOOKS + 1 + 2)
        with torch.no_grad():  # it begins with "nothing known, in the middle": no shock to the eyes
            self.linear.weight.zero_()
            self.linear.bias.zero_()
            self.linear.bias[-2:] = 0.5

    def forward(self, features: torch.Tensor, scenes: Scenes) -> tuple[torch.Tensor, torch.Tensor]:
        """Both losses; ``features`` of all visual tokens: [clips * frames * tokens, hidden]."""
        clips, frames, _ = scenes.visible.shape
        cells = scenes.cells(self._grid)
        guess = self.guess(features).view(clips, frames, -1, LOOKS + 3)
        looks = scenes.looks[..., 0] * len(FORMS) + scenes.looks[..., 1]
        clip, frame, shape = scenes.visible.nonzero(as_tuple=True)
        there = clip, frame, cells[clip, frame, shape]
        truth = torch.full(guess.shape[:3], LOOKS, device=features.device)
        truth[there] = looks[clip, shape]
        error = (guess[there][:, -2:] - scenes.centers[clip, frame, shape]) * PLACE_SCALE
        kinds = F.cross_entropy(guess[..., : LOOKS + 1].flatten(0, 2), truth.flatten())
        return kinds, 0.5 * error.square().mean()

    def guess(self, features: torch.Tensor) -> torch.Tensor:
        """[tokens, looks + nothing + x + y]"""
        return self.linear(F.layer_norm(features.float(), features.shape[-1:]))


class Probes(nn.Module):
    """From the language model's visual tokens, before the layer that looks at them.

    When their frame is; and where a shape has its centre, its look, its number, when it is told and
    how it moves, so that whoever asks for any of these finds it.
    """

    layer = 3

    def __init__(self, hidden: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid
        self.time = nn.Linear(hidden, MOST_FRAMES)
        self.look = nn.Linear(hidden, LOOKS)
        self.number = nn.Linear(hidden, MOST_SHAPES)
        self.telling = nn.Linear(hidden, MOST_SHAPES)
        self.motion = nn.Linear(hidden, len(MOTIONS))
        self.place = nn.Linear(hidden, 2)

    def forward(self, hidden: torch.Tensor, scenes: Scenes) -> dict[str, torch.Tensor]:
        """The losses; ``hidden`` of all visual tokens: [clips * frames * tokens, hidden]."""
        clips, frames, _ = scenes.visible.shape
        hidden = hidden.view(clips, frames, -1, hidden.shape[-1])
        clip, frame, shape = scenes.visible.nonzero(as_tuple=True)
        there = hidden[clip, frame, scenes.cells(self._grid)[clip, frame, shape]]
        looks = scenes.looks[..., 0] * len(FORMS) + scenes.looks[..., 1]
        times = torch.arange(frames, device=hidden.device).repeat_interleave(hidden.shape[2])
        error = (self.place(there) - scenes.centers[clip, frame, shape]) * ROUGH_PLACE_SCALE
        return {
            "time": F.cross_entropy(self.time(hidden).flatten(0, 2), times.repeat(clips)),
            "look": F.cross_entropy(self.look(there), looks[clip, shape]),
            "number": F.cross_entropy(self.number(there), scenes.numbers[clip, shape]),
            "telling": F.cross_entropy(self.telling(there), scenes.tellings[clip, shape]),
            "motion": F.cross_entropy(self.motion(there), scenes.motions[clip, shape]),
            "place": 0.5 * error.square().mean(),
        }
