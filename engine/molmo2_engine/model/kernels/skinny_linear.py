"""The product of a few tokens with a weight, bound by reading the weight once."""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

MOST_TOKENS = 16
"""One block of tokens; with more, a general matrix product reads the weight as well."""


@dataclass(frozen=True)
class Tiling:
    """How the kernel cuts the weight [outputs, inputs]; powers of two."""

    outputs: int
    inputs: int
    warps: int
    stages: int


TILINGS = (
    Tiling(outputs=16, inputs=256, warps=4, stages=4),
    Tiling(outputs=16, inputs=512, warps=8, stages=3),
    Tiling(outputs=32, inputs=256, warps=4, stages=4),
    Tiling(outputs=64, inputs=128, warps=4, stages=4),
)
"""What is worth trying; which one is fastest depends on the weight's shape and on the GPU."""


def skinny_linear(hidden: torch.Tensor, weight: torch.Tensor, tiling: Tiling) -> torch.Tensor:
    """``hidden @ weight.T``, summed in float32.

    Args:
        hidden: [tokens, inputs], at most ``MOST_TOKENS`` tokens.
        weight: [outputs, inputs], contiguous.
    """
    tokens, inputs = hidden.shape
    outputs = weight.shape[0]
    output = hidden.new_empty((tokens, outputs))
    _multiply[(triton.cdiv(outputs, tiling.outputs),)](
        hidden,
        weight,
        output,
        tokens,
        outputs,
        hidden.stride(0),
        INPUTS=inputs,
        TOKENS=MOST_TOKENS,
        ROWS=tiling.outputs,
        COLUMNS=tiling.inputs,
        num_warps=tiling.warps,
        num_stages=tiling.stages,
    )
    return output


@triton.jit
def _multiply(
    hidden,
    weight,
    output,
    tokens,
    outputs,
    hidden_stride,
    INPUTS: tl.constexpr,
    TOKENS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """One program: ROWS outputs of all tokens."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    token = tl.arange(0, TOKENS)
    wanted = row < outputs
    asked = token < tokens
    sums = tl.zeros([ROWS, TOKENS], tl.float32)
    for start in range(0, INPUTS, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        inside = column < INPUTS
        some = tl.load(
            weight + row.to(tl.int64)[:, None] * INPUTS + column[None, :],
            mask=wanted[:, None] & inside[None, :],
            other=0.0,
        )
        states = tl.load(
            hidden + token[None, :] * hidden_stride + column[:, None],
            mask=asked[None, :] & inside[:, None],
            other=0.0,
        )
        sums += tl.dot(some, states, input_precision="ieee")
    tl.store(
        output + token[None, :] * outputs + row[:, None],
        sums.to(output.dtype.element_ty),
        mask=wanted[:, None] & asked[None, :],
    )
