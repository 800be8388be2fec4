"""The gated unit of the feed-forward layers."""

import torch
import triton
import triton.language as tl

_BLOCK = 1024


def gate(projected: torch.Tensor) -> torch.Tensor:
    """silu(a) * b of ``projected`` [tokens, 2 size], whose rows are a then b: [tokens, size]."""
    tokens, both = projected.shape
    size = both // 2
    output = projected.new_empty((tokens, size))
    _gate[(tokens, triton.cdiv(size, _BLOCK))](
        projected, output, projected.stride(0), SIZE=size, BLOCK=_BLOCK, num_warps=4
    )
    return output


@triton.jit
def _gate(projected, output, stride, SIZE: tl.constexpr, BLOCK: tl.constexpr):
    """One program: BLOCK values of one token. Rounds between the two steps, as PyTorch does."""
    token = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = place < SIZE
    opened = tl.load(projected + token * stride + place, mask=inside, other=0.0)
    passed = tl.load(projected + token * stride + SIZE + place, mask=inside, other=0.0)
    value = opened.to(tl.float32)
    value = (value / (1.0 + tl.exp(-value))).to(opened.dtype).to(tl.float32)
    tl.store(
        output + token * SIZE + place, (value * passed.to(tl.float32)).to(opened.dtype), mask=inside
    )
