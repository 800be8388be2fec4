"""Decode steps as CUDA graphs: one launch instead of hundreds, by number of sequences."""

from collections.abc import Sequence

import torch
from torch import nn

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.static_step import StaticStep
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model.fused_text import FusedText
from molmo2_engine.model.tilings import choose_tilings


def buckets(most_rows: int) -> list[int]:
    """Rows that are worth a graph of their own: 1, 2, 4, 8, then every eighth, then the most."""
    few = [rows for rows in (1, 2, 4) if rows < most_rows]
    return [*few, *range(8, most_rows, 8), most_rows]


class DecodeGraph:
    """One decode step of a fixed number of rows."""

    def __init__(self, embed: nn.Module, text: FusedText, step: StaticStep) -> None:
        self.step = step
        self._embed = embed
        self._text = text
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits: torch.Tensor | None = None

    def run(self) -> torch.Tensor:
        """Everything that is captured: float32 logits [rows, vocabulary]."""
        self.step.locate()
        states = self._text.states(self._embed(self.step.tokens), self.step.positions, self.step)
        return self._text.logits(states)

    @torch.inference_mode()
    def capture(self, memory: tuple[int, int]) -> None:
        """Records ``run``, once it has run: compiling a kernel is not allowed while recording."""
        self.run()
        torch.cuda.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=memory):
            self._logits = self.run()

    def __call__(self, tables: Sequence[PageTable], tokens: Sequence[int]) -> torch.Tensor:
        """The logits of some sequences' next token, [sequences, vocabulary].

        They are overwritten by the next step of this graph or another.
        """
        self.step.fill(tables, tokens)
        if self._graph is None:
            return self.run()[: len(tokens)]
        self._graph.replay()
        return self._logits[: len(tokens)]


class DecodeGraphs:
    """A graph for each bucket of rows; they share their memory, as one runs at a time."""

    def __init__(
        self,
        embed: nn.Module,
        text: FusedText,
        cache: PagedCache,
        *,
        most_rows: int,
        most_tokens: int,
    ) -> None:
        """``most_tokens``: of one sequence. Takes a while, in which products are measured."""
        pages_a_row = -(-most_tokens // cache.page_tokens)
        memory = torch.cuda.graph_pool_handle()
        self._graphs: dict[int, DecodeGraph] = {}
        for rows in reversed(buckets(most_rows)):
            choose_tilings(text.linears, rows)
            self._graphs[rows] = DecodeGraph(embed, text, StaticStep(cache, rows, pages_a_row))
            self._graphs[rows].capture(memory)

    def __call__(self, tables: Sequence[PageTable], tokens: Sequence[int]) -> torch.Tensor:
        """As ``DecodeGraph``, by the smallest that the sequences fit in."""
        rows = min(rows for rows in self._graphs if rows >= len(tokens))
        return self._graphs[rows](tables, tokens)
