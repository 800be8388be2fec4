"""Attention over KV pages in place, split over the keys so that one sequence fills the GPU.

Each program reads one part of one row's keys for all query heads that share a key head; a second
kernel merges the parts by their log-sum-exp (https://pytorch.org/blog/flash-decoding/).
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

_LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class Tiling:
    """How the kernel cuts its work. Columns and parts are powers of two."""

    columns: int = 64
    """Keys that a program takes at once."""
    warps: int = 4
    stages: int = 3
    programs: int = 528
    """How many programs the parts should make up; four for each of an H100's 132 processors."""
    most_parts: int = 64


DEFAULT = Tiling()


def paged_attention(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    tables: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    tiling: Tiling | None = None,
) -> torch.Tensor:
    """As ``attention.paged.PagedAttention``; works inside a CUDA graph.

    Head sizes and the query heads of a key head are powers of two; head sizes from 16 on.
    """
    tiling = tiling or DEFAULT
    rows, new, heads, size = query.shape
    page_tokens, kv_heads = keys.shape[1], keys.shape[2]
    group = heads // kv_heads
    block = max(16, min(64, triton.next_power_of_2(new * group)))
    blocks = triton.cdiv(new * group, block)
    parts = _parts(tiling, rows * blocks * kv_heads)
    query = query.contiguous()
    output = torch.empty_like(query)
    sums = query.new_empty((parts, rows, new, heads, size), dtype=torch.float32)
    weights = query.new_empty((parts, rows, new, heads), dtype=torch.float32)
    _attend_to_part[(rows * blocks, kv_heads, parts)](
        query,
        keys,
        values,
        tables,
        lengths,
        sums,
        weights,
        rows,
        new,
        tables.stride(0),
        keys.stride(1),
        values.stride(1),
        scale * _LOG2_E,
        BLOCKS=blocks,
        PARTS=parts,
        HEADS=heads,
        GROUP=group,
        SIZE=size,
        PAGE_TOKENS=page_tokens,
        ROWS=block,
        COLUMNS=tiling.columns,
        num_warps=tiling.warps,
        num_stages=tiling.stages,
    )
    _merge_parts[(rows * new, heads)](
        sums, weights, output, rows * new, PARTS=parts, HEADS=heads, SIZE=size, num_warps=4
    )
    return output


def _parts(tiling: Tiling, programs: int) -> int:
    wanted = triton.cdiv(tiling.programs, programs)
    return max(1, min(tiling.most_parts, triton.next_power_of_2(wanted)))


@triton.jit
def _attend_to_part(
    query,
    keys,
    values,
    tables,
    lengths,
    sums_out,
    weights_out,
    row_count,
    new,
    table_stride,
    key_stride,
    value_stride,
    scale_log2,
    BLOCKS: tl.constexpr,
    PARTS: tl.constexpr,
    HEADS: tl.constexpr,
    GROUP: tl.constexpr,
    SIZE: tl.constexpr,
    PAGE_TOKENS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """One part of one row's keys, for the new tokens of the query heads that share a key head.

    A query row is a new token and one of GROUP heads. What sees no key of this part gets a weight
    so small that merging forgets it.
    """
    row = tl.program_id(0) // BLOCKS
    kv_head = tl.program_id(1)
    part = tl.program_id(2)
    length = tl.load(lengths + row)
    index = (tl.program_id(0) % BLOCKS) * ROWS + tl.arange(0, ROWS)
    token = index // GROUP
    head = kv_head * GROUP + index % GROUP
    present = token < new
    place = tl.arange(0, SIZE)
    at_query = ((row * new + token) * HEADS + head) * SIZE
    asked = tl.load(query + at_query[:, None] + place[None, :], mask=present[:, None], other=0.0)
    ahead = tl.maximum(tl.where(present, length - new + token + 1, length), 1)

    share = tl.cdiv(tl.cdiv(length, COLUMNS), PARTS) * COLUMNS
    end = tl.minimum(part * share + share, length)
    top = tl.full([ROWS], -1.0e30, tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    sums = tl.zeros([ROWS, SIZE], tl.float32)
    for start in range(part * share, end, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        inside = columns < end
        pages = tl.load(tables + row * table_stride + columns // PAGE_TOKENS, mask=inside, other=0)
        slots = pages.to(tl.int64) * PAGE_TOKENS + columns % PAGE_TOKENS
        within = kv_head * SIZE + place[None, :]
        some_keys = tl.load(
            keys + slots[:, None] * key_stride + within, mask=inside[:, None], other=0.0
        )
        scores = tl.dot(asked, tl.trans(some_keys), input_precision="ieee") * scale_log2
        scores = tl.where(columns[None, :] < ahead[:, None], scores, -1.0e30)
        higher = tl.maximum(top, tl.max(scores, 1))
        weights = tl.exp2(scores - higher[:, None])
        fade = tl.exp2(top - higher)
        total = total * fade + tl.sum(weights, 1)
        some_values = tl.load(
            values + slots[:, None] * value_stride + within, mask=inside[:, None], other=0.0
        )
        gained = tl.dot(weights.to(some_values.dtype), some_values, input_precision="ieee")
        sums = sums * fade[:, None] + gained
        top = higher

    total = tl.where(total > 0, total, 1.0)
    at_part = ((part * row_count + row) * new + token) * HEADS + head
    tl.store(
        sums_out + at_part[:, None] * SIZE + place[None, :],
        sums / total[:, None],
        mask=present[:, None],
    )
    tl.store(weights_out + at_part, top + tl.log2(total), mask=present)


@triton.jit
def _merge_parts(
    sums,
    weights,
    output,
    tokens,
    PARTS: tl.constexpr,
    HEADS: tl.constexpr,
    SIZE: tl.constexpr,
):
    """One program: one new token and one head. A row without keys gets zeros."""
    at = tl.program_id(0) * HEADS + tl.program_id(1)
    part = tl.arange(0, PARTS)
    place = tl.arange(0, SIZE)
    at_parts = part * tokens * HEADS + at
    weight = tl.load(weights + at_parts)
    weight = tl.exp2(weight - tl.max(weight, 0))
    some = tl.load(sums + at_parts[:, None] * SIZE + place[None, :])
    merged = tl.sum(some * weight[:, None], 0) / tl.sum(weight, 0)
    tl.store(output + at * SIZE + place, merged.to(output.dtype.element_ty))
