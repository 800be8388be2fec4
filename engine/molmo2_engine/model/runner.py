"""Runs the model: the prefill of media, and new tokens for any number of sequences."""

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.kv.step import Step
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.media_prefill import MediaPrefill
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import Media


class ModelRunner:
    """The forward passes over one paged cache."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        layout: Layout,
        *,
        pages: int,
        page_tokens: int,
        frames_at_once: int,
    ) -> None:
        self._checkpoint = checkpoint
        self._text = checkpoint.model.model.language_model
        self.cache = PagedCache(
            checkpoint.model.config.text_config,
            pages,
            page_tokens,
            checkpoint.dtype,
            checkpoint.device,
        )
        self._prefill_media = MediaPrefill(checkpoint, layout, self.cache, frames_at_once)

    def prefill_media(self, key: bytes, media: Media, pages: list[int]) -> Prefix:
        """Encodes and prefills a video or images into ``pages``.

        Raises:
            NotFinite: if the model computes no numbers.
        """
        try:
            return self._prefill_media(key, media, pages)
        except Exception:
            self.cache.clear(pages)
            raise

    @torch.inference_mode()
    def extend(self, tables: list[PageTable], tokens: list[list[int]]) -> torch.Tensor:
        """Appends each row's tokens, one or more, to its sequence.

        Returns the logits after each row's last one, float32 [rows, vocabulary]. If it raises, no
        sequence has become longer, and the call can be repeated.
        """
        step = Step(self.cache, tables, [len(row) for row in tokens])
        width = step.positions.shape[1]
        padded = [row + [0] * (width - len(row)) for row in tokens]
        hidden = self._text(
            input_ids=torch.tensor(padded, device=self._checkpoint.device),
            position_ids=step.positions,
            attention_mask=step.attends,
            past_key_values=step,
        ).last_hidden_state
        last = hidden[torch.arange(len(tables), device=hidden.device), step.last]
        logits = self._checkpoint.model.lm_head(last).float()
        for table, row in zip(tables, tokens, strict=True):
            table.tokens += len(row)
        return logits
