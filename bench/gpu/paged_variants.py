"""Ways to attend to KV pages with one new token a row, to be measured against each other."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch

from molmo2_engine.model.attention.paged import PagedAttention

Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""From query [rows, 1, heads, head size], keys and values in pages, to what ``query`` is like."""


@dataclass(frozen=True)
class Pages:
    """The rows of a step; the tensors are as in ``PagedAttention``."""

    tables: torch.Tensor
    lengths: torch.Tensor
    pages: int
    page_tokens: int
    heads: int
    kv_heads: int
    size: int
    dtype: torch.dtype

    @property
    def scale(self) -> float:
        return self.size**-0.5


Prepare = Callable[[Pages], Attend]


def variants(tilings: Iterable[dict[str, int]]) -> Iterator[tuple[str, Prepare]]:
    """Names, and how to prepare each; preparing or calling one may fail and say why.

    ``tilings`` are of the engine's own kernel. The first variant is right.
    """
    yield "plain PyTorch, gathered", _gathered
    for tiling in tilings:
        yield f"Triton, {' '.join(f'{n} {name}' for name, n in tiling.items())}", _triton(tiling)
    yield "FlexAttention", _flex
    yield "PyTorch varlen with pages", _varlen
    yield "FlashInfer", _flashinfer


def _gathered(step: Pages) -> Attend:
    attention = PagedAttention(step.tables, step.lengths, 1, step.page_tokens)
    return lambda *tensors: attention.gathered(*tensors, step.scale)


def _triton(tiling: dict[str, int]) -> Prepare:
    def prepare(step: Pages) -> Attend:
        from molmo2_engine.model.kernels.paged_attention import Tiling, paged_attention

        return lambda query, keys, values: paged_attention(
            query, keys, values, step.tables, step.lengths, step.scale, Tiling(**tiling)
        )

    return prepare


def _flex(step: Pages) -> Attend:
    """A block of the mask is a page; only within its last page does a row not see everything."""
    from torch.nn.attention.flex_attention import BlockMask, flex_attention

    counts = (step.lengths + step.page_tokens - 1) // step.page_tokens
    rows, device = len(step.lengths), step.lengths.device
    logical = torch.full((rows, step.pages), -1, dtype=torch.int32, device=device)
    order = torch.arange(step.tables.shape[1], dtype=torch.int32, device=device)
    logical.scatter_(1, step.tables.long(), order.expand(rows, -1))

    def seen(row, head, query, key):
        page = logical[row, key // step.page_tokens]
        within = page * step.page_tokens + key % step.page_tokens < step.lengths[row]
        return (page >= 0) & within

    mask = BlockMask.from_kv_blocks(
        counts[:, None, None].int(),
        step.tables[:, None, None],
        BLOCK_SIZE=(128, step.page_tokens),
        mask_mod=seen,
        seq_lengths=(1, step.pages * step.page_tokens),
        compute_q_blocks=False,
    )
    attend = torch.compile(flex_attention) if device.type == "cuda" else flex_attention

    def run(query, keys, values):
        by_head = (pool.flatten(0, 1).transpose(0, 1)[None] for pool in (keys, values))
        output = attend(
            query.transpose(1, 2), *by_head, block_mask=mask, scale=step.scale, enable_gqa=True
        )
        return output.transpose(1, 2)

    return run


def _varlen(step: Pages) -> Attend:
    """Newer releases of PyTorch have it; flash attention may want pages of 256 tokens."""
    from torch.nn.attention.varlen import varlen_attn

    rows = len(step.lengths)
    starts = torch.arange(rows + 1, dtype=torch.int32, device=step.lengths.device)
    longest = int(step.lengths.max())

    def run(query, keys, values):
        output = varlen_attn(
            query[:, 0],
            keys,
            values,
            starts,
            None,
            1,
            longest,
            scale=step.scale,
            enable_gqa=True,
            seqused_k=step.lengths,
            block_table=step.tables,
        )
        return output[:, None]

    return run


def _flashinfer(step: Pages) -> Attend:
    import flashinfer

    device = step.lengths.device
    counts = (step.lengths + step.page_tokens - 1) // step.page_tokens
    starts = torch.zeros(len(counts) + 1, dtype=torch.int32, device=device)
    starts[1:] = counts.cumsum(0)
    used = torch.arange(step.tables.shape[1], device=device) < counts[:, None]
    workspace = torch.zeros(256 * 2**20, dtype=torch.uint8, device=device)
    wrapper = flashinfer.BatchDecodeWithPagedKVCacheWrapper(workspace, "NHD")
    wrapper.plan(
        starts,
        step.tables[used].int(),
        (step.lengths - 1) % step.page_tokens + 1,
        step.heads,
        step.kv_heads,
        step.size,
        step.page_tokens,
        q_data_type=step.dtype,
        kv_data_type=step.dtype,
        sm_scale=step.scale,
    )
    return lambda query, keys, values: wrapper.run(query[:, 0], (keys, values))[:, None]
