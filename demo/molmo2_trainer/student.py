"""The model while it learns: its forward pass over packed sequences, and its losses."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Molmo2ForConditionalGeneration
from transformers.models.molmo2.image_processing_molmo2 import arange_for_pooling

from molmo2_demo.scene import COLORS, FORMS
from molmo2_engine.model.vision import to_patches
from molmo2_engine.prompt.formats import FrameFormat
from molmo2_trainer.batch import OPERATIONS, Batch

LOOKS = len(COLORS) * len(FORMS)
PLACE_SCALE = 10.0
"""Distances are errors of this many times a fraction of the frame, squared."""


@dataclass(frozen=True)
class Losses:
    """Means over a batch."""

    language: torch.Tensor
    sight: torch.Tensor
    by_operation: torch.Tensor
    """[operations]: not a number for those that were not asked."""
    right_tokens: torch.Tensor
    """The share of answer tokens that are the likeliest, given those before them."""


class Student(nn.Module):
    """A model, and a second task for its eyes.

    The second task reads from each visual token which shape has its centre there, and where: told
    only by the words of answers, the vision encoder learns nothing for a long time.
    """

    def __init__(self, model: Molmo2ForConditionalGeneration, frame_format: FrameFormat) -> None:
        super().__init__()
        self.model = model
        self._format = frame_format
        self.sight = nn.Linear(model.config.text_config.hidden_size, LOOKS + 1 + 2)
        with torch.no_grad():  # it begins with "nothing known, in the middle": no shock to the eyes
            self.sight.weight.zero_()
            self.sight.bias.zero_()
            self.sight.bias[-2:] = 0.5

    @property
    def frame_size(self) -> int:
        """Pixels; a frame is a square."""
        return self._format.size

    def forward(self, batch: Batch, frames: torch.Tensor) -> Losses:
        """``frames``: uint8 RGB [clips * frames, size, size, 3]."""
        features = self._see(frames)
        hidden = self._read(batch, features)
        learnt = batch.labels != -100
        logits = self.model.lm_head(hidden[learnt]).float()
        labels = batch.labels[learnt]
        each = F.cross_entropy(logits, labels, reduction="none")
        which = batch.operations[learnt]
        by_operation = torch.stack([each[which == i].mean() for i in range(len(OPERATIONS))])
        return Losses(
            language=each.mean(),
            sight=self._sight_loss(batch, features),
            by_operation=by_operation.detach(),
            right_tokens=(logits.argmax(-1) == labels).float().mean(),
        )

    def _see(self, frames: torch.Tensor) -> torch.Tensor:
        """The features of all visual tokens: [frames * tokens a frame, hidden]."""
        patches = to_patches(frames, self._format.patch_size)
        side = self._format.size // self._format.patch_size
        grid = torch.arange(side * side).reshape(side, side)
        windows = arange_for_pooling(grid, *self._format.pooling_size)[0]
        offsets = torch.arange(len(frames))[:, None, None] * side * side
        every = torch.where(windows >= 0, windows + offsets, -1).flatten(0, 1)
        output = self.model.model.get_image_features(
            patches, every.to(frames.device), torch.tensor([[len(every), 1, 0, 0]])
        )
        return output.pooler_output[0]

    def _read(self, batch: Batch, features: torch.Tensor) -> torch.Tensor:
        """The last hidden states [clips, tokens, hidden]."""
        embedded = self.model.get_input_embeddings()(batch.ids)
        patch = batch.ids == self.model.config.image_patch_id
        embedded = embedded.masked_scatter(
            patch[..., None], embedded[patch] + features.to(embedded.dtype)
        )
        return self.model.model.language_model(
            inputs_embeds=embedded,
            attention_mask=attends(batch)[:, None],
            position_ids=batch.positions,
            use_cache=False,
        ).last_hidden_state

    def _sight_loss(self, batch: Batch, features: torch.Tensor) -> torch.Tensor:
        clips, frames, _ = batch.visible.shape
        rows, columns = self._format.grid
        normed = F.layer_norm(features.float(), features.shape[-1:])
        guess = self.sight(normed).view(clips, frames, rows * columns, -1)
        cells = (batch.centers[..., 1] * rows).long().clamp(0, rows - 1) * columns
        cells += (batch.centers[..., 0] * columns).long().clamp(0, columns - 1)
        looks = batch.looks[..., 0] * len(FORMS) + batch.looks[..., 1]
        clip, frame, shape = batch.visible.nonzero(as_tuple=True)
        truth = torch.full((clips, frames, rows * columns), LOOKS, device=features.device)
        truth[clip, frame, cells[clip, frame, shape]] = looks[clip, shape]
        there = guess[clip, frame, cells[clip, frame, shape]]
        error = (there[:, -2:] - batch.centers[clip, frame, shape]) * PLACE_SCALE
        kinds = F.cross_entropy(guess[..., : LOOKS + 1].flatten(0, 2), truth.flatten())
        return kinds + 0.5 * error.square().mean()


def attends(batch: Batch) -> torch.Tensor:
    """Which token sees which: bool [clips, tokens, tokens].

    What precedes it in its own question and in the prefix; and visual tokens see each other.
    """
    segments, visual = batch.segments, batch.visual
    earlier = torch.ones(segments.shape[1], segments.shape[1], device=segments.device).tril().bool()
    related = (segments[:, :, None] == segments[:, None, :]) | (segments[:, None, :] == 0)
    return (related & earlier) | (visual[:, :, None] & visual[:, None, :])
