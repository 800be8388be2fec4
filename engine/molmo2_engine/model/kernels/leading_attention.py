"""Attention of each query to the first so many keys, as one kernel."""

import torch
import triton
import triton.language as tl

from molmo2_engine.model.attention.attended import Attended

_LOG2_E = 1.4426950408889634
_ROWS = 64
_COLUMNS = 64


def leading_attention(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    seen: torch.Tensor,
    scale: float,
    after: Attended | None,
) -> torch.Tensor:
    """As ``attend_to_leading``; ``seen`` is int32 [queries], at least 1 and never falling.

    Head sizes are powers of two, from 16 on.
    """
    heads, queries, size = query.shape
    kv_heads = keys.shape[0]
    query, keys, values = query.contiguous(), keys.contiguous(), values.contiguous()
    output = torch.empty_like(query)
    before = query if after is None else after.output.contiguous()
    before_sum = seen if after is None else after.log_sum_exp.contiguous()
    _leading[(triton.cdiv(queries, _ROWS), heads)](
        query,
        keys,
        values,
        seen,
        output,
        before,
        before_sum,
        queries,
        keys.shape[1],
        scale * _LOG2_E,
        HAS_BEFORE=after is not None,
        GROUP=heads // kv_heads,
        SIZE=size,
        ROWS=_ROWS,
        COLUMNS=_COLUMNS,
        num_warps=4,
        num_stages=3,
    )
    return output


@triton.jit
def _leading(
    query,
    keys,
    values,
    seen,
    output,
    before,
    before_sum,
    queries,
    key_count,
    scale_log2,
    HAS_BEFORE: tl.constexpr,
    GROUP: tl.constexpr,
    SIZE: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """One program: ROWS queries of one head, over the keys that any of them sees."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    head = tl.program_id(1)
    present = rows < queries
    place = tl.arange(0, SIZE)
    at_rows = (head * queries + rows[:, None]) * SIZE + place[None, :]
    first_key = (head // GROUP) * key_count

    ahead = tl.load(seen + rows, mask=present, other=1)
    asked = tl.load(query + at_rows, mask=present[:, None], other=0.0)
    if HAS_BEFORE:
        top = tl.load(before_sum + head * queries + rows, mask=present, other=0.0)
        top = top * 1.4426950408889634
        total = tl.full([ROWS], 1.0, tl.float32)
        sums = tl.load(before + at_rows, mask=present[:, None], other=0.0).to(tl.float32)
    else:
        top = tl.full([ROWS], -1.0e30, tl.float32)
        total = tl.zeros([ROWS], tl.float32)
        sums = tl.zeros([ROWS, SIZE], tl.float32)

    furthest = tl.max(ahead, 0)
    for start in range(0, furthest, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        inside = columns < furthest
        at_keys = (first_key + columns[:, None]) * SIZE + place[None, :]
        some_keys = tl.load(keys + at_keys, mask=inside[:, None], other=0.0)
        scores = tl.dot(asked, tl.trans(some_keys), input_precision="ieee") * scale_log2
        scores = tl.where(columns[None, :] < ahead[:, None], scores, -1.0e30)
        higher = tl.maximum(top, tl.max(scores, 1))
        weights = tl.exp2(scores - higher[:, None])
        fade = tl.exp2(top - higher)
        total = total * fade + tl.sum(weights, 1)
        some_values = tl.load(values + at_keys, mask=inside[:, None], other=0.0)
        gained = tl.dot(weights.to(some_values.dtype), some_values, input_precision="ieee")
        sums = sums * fade[:, None] + gained
        top = higher

    finished = (sums / total[:, None]).to(output.dtype.element_ty)
    tl.store(output + at_rows, finished, mask=present[:, None])
