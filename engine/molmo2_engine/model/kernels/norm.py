"""Root mean square norms, fused with the addition beside them.

Rounding follows transformers': the norm in float32, back to the tensor's dtype, then the weight.
"""

import torch
import triton
import triton.language as tl


def rms_norm(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    epsilon: float,
    output: torch.Tensor | None = None,
) -> torch.Tensor:
    """The norm of each row of ``hidden`` [rows, size], times ``weight`` [size].

    ``output`` takes the result; it may be ``hidden``.
    """
    if output is None:
        output = torch.empty_like(hidden, memory_format=torch.contiguous_format)
    _launch(hidden, hidden, weight, output, epsilon, kind="norm")
    return output


def add_and_norm(
    residual: torch.Tensor, delta: torch.Tensor, weight: torch.Tensor, epsilon: float
) -> torch.Tensor:
    """Adds ``delta`` to ``residual`` in place, both [rows, size]; returns the sum's norm."""
    output = torch.empty_like(residual)
    _launch(residual, delta, weight, output, epsilon, kind="add, norm")
    return output


def add_normed(
    residual: torch.Tensor, delta: torch.Tensor, weight: torch.Tensor, epsilon: float
) -> torch.Tensor:
    """Adds the norm of ``delta`` to ``residual`` in place, both [rows, size]; returns it."""
    _launch(residual, delta, weight, residual, epsilon, kind="norm, add")
    return residual


def _launch(
    residual: torch.Tensor,
    delta: torch.Tensor,
    weight: torch.Tensor,
    output: torch.Tensor,
    epsilon: float,
    kind: str,
) -> None:
    rows, size = residual.shape
    block = triton.next_power_of_2(size)
    _norm[(rows,)](
        residual,
        delta,
        weight,
        output,
        residual.stride(0),
        delta.stride(0),
        output.stride(0),
        epsilon,
        KIND=kind,
        SIZE=size,
        BLOCK=block,
        num_warps=max(1, min(16, block // 512)),
    )


@triton.jit
def _norm(
    residual,
    delta,
    weight,
    output,
    residual_stride,
    delta_stride,
    output_stride,
    epsilon,
    KIND: tl.constexpr,
    SIZE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One program: one row."""
    row = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, BLOCK)
    inside = place < SIZE
    kept = tl.load(residual + row * residual_stride + place, mask=inside, other=0.0)
    dtype = kept.dtype
    value = kept.to(tl.float32)
    if KIND != "norm":
        added = tl.load(delta + row * delta_stride + place, mask=inside, other=0.0)
        if KIND == "add, norm":
            value = (value + added.to(tl.float32)).to(dtype).to(tl.float32)
            tl.store(residual + row * residual_stride + place, value.to(dtype), mask=inside)
        else:
            value = added.to(tl.float32)
    mean = tl.sum(value * value, 0) / SIZE
    normed = (value * (1.0 / tl.sqrt(mean + epsilon))).to(dtype).to(tl.float32)
    by = tl.load(weight + place, mask=inside, other=0.0).to(tl.float32)
    normed = (normed * by).to(dtype)
    if KIND == "norm, add":
        normed = (kept.to(tl.float32) + normed.to(tl.float32)).to(dtype)
    tl.store(output + row * output_stride + place, normed, mask=inside)
