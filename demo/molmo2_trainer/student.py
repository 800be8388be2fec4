"""The model while it learns: its forward pass over packed sequences, and its losses."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.model.vision import encode_frames
from molmo2_engine.model.vision_encoder import TransformersVision
from molmo2_engine.prompt.formats import FrameFormat
from molmo2_trainer.attention import Watch
from molmo2_trainer.batch import OPERATIONS, Batch
from molmo2_trainer.probes import Probes, Sight


@dataclass(frozen=True)
class Losses:
    """Means over a batch."""

    language: torch.Tensor
    guides: dict[str, torch.Tensor]
    probes: dict[str, torch.Tensor]
    by_operation: torch.Tensor
    """[operations]: not a number for those that were not asked."""


class Student(nn.Module):
    """A model, and what it is taught beside the words of answers."""

    def __init__(self, model: Molmo2ForConditionalGeneration, frame_format: FrameFormat) -> None:
        super().__init__()
        self.model = model
        self._format = frame_format
        hidden = model.config.text_config.hidden_size
        self.sight = Sight(hidden, frame_format.grid)
        self.probes = Probes(hidden, frame_format.grid)
        self.watch = Watch(model)

    @property
    def frame_size(self) -> int:
        """Pixels; a frame is a square."""
        return self._format.size

    def eyes(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The weights that turn frames into visual tokens; and those of their probe."""
        parts = self.model.model.vision_tower, self.model.model.multi_modal_projector
        return [w for part in parts for w in part.parameters()], list(self.sight.parameters())

    def mind(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The weights of the language model; and those of its probes."""
        parts = self.model.model.language_model, self.model.lm_head
        return [w for part in parts for w in part.parameters()], list(self.probes.parameters())

    def see(self, frames: torch.Tensor) -> torch.Tensor:
        """The features of all visual tokens: [frames * tokens a frame, hidden].

        ``frames``: uint8 RGB [frames, size, size, 3].
        """
        encoder = TransformersVision(self.model)
        return encode_frames(encoder, self._format, frames, frames_at_once=len(frames))

    def forward(self, batch: Batch, features: torch.Tensor) -> Losses:
        """``features``: those of the batch's frames."""
        allowed = attends(batch)
        hidden = self.read(batch, features, allowed)
        learnt = batch.labels != -100
        logits = self.model.lm_head(hidden[learnt]).float()
        weights, which = batch.weights[learnt], batch.operations[learnt]
        each = F.cross_entropy(logits, batch.labels[learnt], reduction="none") * weights
        by_operation = torch.stack([each[which == i].mean() for i in range(len(OPERATIONS))])
        patches = batch.ids == self.model.config.image_patch_id
        return Losses(
            language=each.sum() / weights.sum(),
            guides=self.watch.losses(batch.targets, allowed),
            probes=self.probes(self.watch, patches, batch.scenes, batch.places),
            by_operation=by_operation.detach(),
        )

    def read(self, batch: Batch, features: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        """The last hidden states [clips, tokens, hidden]."""
        embedded = self.model.get_input_embeddings()(batch.ids)
        patch = batch.ids == self.model.config.image_patch_id
        embedded = embedded.masked_scatter(
            patch[..., None], embedded[patch] + features.to(embedded.dtype)
        )
        return self.model.model.language_model(
            inputs_embeds=embedded,
            attention_mask=allowed[:, None],
            position_ids=batch.positions,
            use_cache=False,
        ).last_hidden_state


def attends(batch: Batch) -> torch.Tensor:
    """Which token sees which: bool [clips, tokens, tokens].

    What precedes it in its own question and in the prefix; and visual tokens see each other.
    """
    segments, visual = batch.segments, batch.visual
    earlier = torch.ones(segments.shape[1], segments.shape[1], device=segments.device).tril().bool()
    related = (segments[:, :, None] == segments[:, None, :]) | (segments[:, None, :] == 0)
    return (related & earlier) | (visual[:, :, None] & visual[:, None, :])
