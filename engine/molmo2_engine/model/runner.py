"""Runs the model: the prefill of media, and new tokens for any number of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.kv.step import Step
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.fused_text import FusedText
from molmo2_engine.model.media_prefill import MediaPrefill
from molmo2_engine.model.text import text_of
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import Media

if TYPE_CHECKING:
    from molmo2_engine.model.decode_graphs import DecodeGraphs


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
        embedded_behind: Sequence[int] = (),
    ) -> None:
        """``embedded_behind``: see ``MediaPrefill``."""
        self._embed = checkpoint.model.get_input_embeddings()
        self._text = text_of(checkpoint.model)
        self.cache = PagedCache(
            checkpoint.model.config.text_config,
            pages,
            page_tokens,
            checkpoint.dtype,
            checkpoint.device,
            scratch_tokens=len(embedded_behind),
            layer_devices=checkpoint.layer_devices,
        )
        self._prefill_media = MediaPrefill(
            checkpoint, layout, self._text, self.cache, frames_at_once, embedded_behind
        )
        self._graphs: DecodeGraphs | None = None

    def capture_decoding(self, most_rows: int, most_tokens: int) -> None:
        """Makes decode steps of up to ``most_rows`` fast, of fused layers on CUDA; takes a while.

        ``most_tokens``: of one sequence.
        """
        if self.cache.device.type == "cuda" and isinstance(self._text, FusedText):
            from molmo2_engine.model.decode_graphs import DecodeGraphs

            self._graphs = DecodeGraphs(
                self._embed, self._text, self.cache, most_rows=most_rows, most_tokens=most_tokens
            )

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
        if self._graphs and all(len(row) == 1 for row in tokens):
            logits = self._graphs(tables, [token for (token,) in tokens])
        else:
            logits = self._read(tables, tokens)
        for table, row in zip(tables, tokens, strict=True):
            table.tokens += len(row)
        return logits

    def _read(self, tables: list[PageTable], tokens: list[list[int]]) -> torch.Tensor:
        step = Step(self.cache, tables, [len(row) for row in tokens])
        ids = torch.tensor([token for row in tokens for token in row], device=self.cache.device)
        states = self._text.states(self._embed(ids), step.positions, step)
        return self._text.logits(states[step.last])
