"""What must be readable, by one linear map, from visual tokens."""

import torch
import torch.nn.functional as F
from torch import nn

from molmo2_demo.scene import COLORS, FORMS
from molmo2_trainer.attention import Watch
from molmo2_trainer.scenes import MOST_SHAPES, MOTIONS, Scenes

LOOKS = len(COLORS) * len(FORMS)
PLACE_SCALE = 10.0
"""Distances are errors of this many times a fraction of the frame, squared."""

NOTHING_WEIGHT = 0.1
"""Of a part of the frame without a shape beside one with: there are ten times as many."""

MOST_FRAMES = 13

KEPT = ("look", "place 1", "place 2", "place 3", "written")
"""Those of the losses that matter most: of what shapes are asked for by, and of the answers."""


class Sight(nn.Module):
    """From the eyes' features: which shape has its centre in this part of the frame, and where.

    Told only by the words of answers, the vision encoder learns nothing for a long time.
    """

    def __init__(self, hidden: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid
        self.linear = nn.Linear(hidden, LOOKS + 1 + 2)
        self.register_buffer("_weights", torch.tensor([1.0] * LOOKS + [NOTHING_WEIGHT]), False)
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
        kinds = F.cross_entropy(
            guess[..., : LOOKS + 1].flatten(0, 2), truth.flatten(), self._weights
        )
        return kinds, 0.5 * error.square().mean()

    def guess(self, features: torch.Tensor) -> torch.Tensor:
        """[tokens, looks + nothing + x + y]"""
        return self.linear(F.layer_norm(features.float(), features.shape[-1:]))


class Probes(nn.Module):
    """From the language model's hidden states, before its layers.

    From visual tokens, before the layer that looks at them: when their frame is; and where a shape
    has its centre, its look, its number, when it is told and how it moves, so that whoever asks for
    any of these finds it. Its place is in the eyes' features to a hundredth, and lost in the first
    layer if nobody asks for it. From what writes a place, one layer later: that place.
    """

    layer = 3
    place_layers = (1, 2, 3)

    def __init__(self, hidden: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid
        self.time = nn.Linear(hidden, MOST_FRAMES)
        self.look = nn.Linear(hidden, LOOKS)
        self.number = nn.Linear(hidden, MOST_SHAPES)
        self.telling = nn.Linear(hidden, MOST_SHAPES)
        self.motion = nn.Linear(hidden, len(MOTIONS))
        self.places = nn.ModuleList(_middle(hidden) for _ in self.place_layers)
        self.written = _middle(hidden)

    def forward(
        self, watch: Watch, patches: torch.Tensor, scenes: Scenes, places: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The losses.

        ``patches``: which tokens are visual, bool [clips, tokens]; ``places``: what each token is
        about to write, [clips, tokens, 2], or not a number.
        """
        clip, frame, shape = scenes.visible.nonzero(as_tuple=True)
        there = clip, frame, scenes.cells(self._grid)[clip, frame, shape]

        def seen(layer: int) -> torch.Tensor:
            hidden = watch.hidden(layer)[patches]
            return hidden.view(*scenes.visible.shape[:2], -1, hidden.shape[-1])

        hidden = seen(self.layer)
        clips, frames, tokens, _ = hidden.shape
        times = torch.arange(frames, device=hidden.device).repeat_interleave(tokens)
        looks = scenes.looks[..., 0] * len(FORMS) + scenes.looks[..., 1]
        held, centers = hidden[there], scenes.centers[clip, frame, shape]
        losses = {
            "time": F.cross_entropy(self.time(hidden).flatten(0, 2), times.repeat(clips)),
            "look": F.cross_entropy(self.look(held), looks[clip, shape]),
            "number": F.cross_entropy(self.number(held), scenes.numbers[clip, shape]),
            "telling": F.cross_entropy(self.telling(held), scenes.tellings[clip, shape]),
            "motion": F.cross_entropy(self.motion(held), scenes.motions[clip, shape]),
        }
        for layer, probe in zip(self.place_layers, self.places, strict=True):
            losses[f"place {layer}"] = _off(probe(seen(layer)[there]), centers)
        writing = ~places[..., 0].isnan()
        if writing.any():
            guess = self.written(watch.hidden(self.layer + 1)[writing])
            losses["written"] = _off(guess, places[writing])
        return losses


def _middle(hidden: int) -> nn.Linear:
    """A probe of a place that begins with the middle of the frame."""
    linear = nn.Linear(hidden, 2)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.fill_(0.5)
    return linear


def _off(guess: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return F.smooth_l1_loss(guess.float() * PLACE_SCALE, truth * PLACE_SCALE)
