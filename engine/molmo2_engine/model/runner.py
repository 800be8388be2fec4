"""Runs the model: the prefill of media, a question's prefill, and a decode step for all."""

import torch

from molmo2_engine.kv.slots import Decode, Prefill, SlotCache
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.prefix import Prefix, prefill_media
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import Media


class ModelRunner:
    """The forward passes, and the slots that they read and write."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        layout: Layout,
        *,
        slots: int,
        slot_tokens: int,
        frames_at_once: int,
    ) -> None:
        self._checkpoint = checkpoint
        self._layout = layout
        self._frames_at_once = frames_at_once
        self._text = checkpoint.model.model.language_model
        self.slots = SlotCache(
            checkpoint.model.config.text_config,
            slots,
            slot_tokens,
            checkpoint.dtype,
            checkpoint.device,
        )

    def prefill_media(self, key: bytes, media: Media) -> Prefix:
        """Encodes and prefills a video or images."""
        return prefill_media(self._checkpoint, self._layout, key, media, self._frames_at_once)

    @torch.inference_mode()
    def prefill_question(self, row: int, question: list[int]) -> torch.Tensor:
        """Appends a question to a slot; returns the logits [vocabulary] of the first answer."""
        prefill = Prefill(self.slots, row, len(question))
        ids = torch.tensor([question], device=self._checkpoint.device)
        positions = torch.arange(prefill.start, prefill.end, device=ids.device)
        attends = torch.arange(prefill.end, device=ids.device) <= positions[:, None]
        return self._logits(ids, positions[None], attends[None, None], prefill)[0]

    @torch.inference_mode()
    def decode(self, tokens: list[int]) -> torch.Tensor:
        """Appends one token to each slot in use; returns logits [slots in use, vocabulary]."""
        step = Decode(self.slots)
        ids = torch.tensor(tokens, device=self._checkpoint.device)[:, None]
        return self._logits(ids, step.positions[:, None], step.attends, step)

    def _logits(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        attends: torch.Tensor,
        cache: Prefill | Decode,
    ) -> torch.Tensor:
        hidden = self._text(
            input_ids=ids,
            position_ids=positions,
            attention_mask=attends,
            past_key_values=cache,
        ).last_hidden_state
        return self._checkpoint.model.lm_head(hidden[:, -1]).float()
