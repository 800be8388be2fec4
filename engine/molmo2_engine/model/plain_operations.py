"""What fused layers are made of, in plain PyTorch: the way on a CPU.

The functions are those of ``kernels.operations``, with their rounding.
"""

import torch
import torch.nn.functional as F


def rms_norm(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    epsilon: float,
    output: torch.Tensor | None = None,
) -> torch.Tensor:
    """The norm of each row of ``hidden`` [..., size], times ``weight`` [size].

    ``output`` takes the result; it may be ``hidden``.
    """
    if hidden.dtype == torch.float32:
        normed = F.rms_norm(hidden, weight.shape, weight, epsilon)
    else:  # rounded before the weight too
        normed = F.rms_norm(hidden.float(), weight.shape, eps=epsilon).to(hidden.dtype) * weight
    return normed if output is None else output.copy_(normed)


def add_and_norm(
    residual: torch.Tensor, delta: torch.Tensor, weight: torch.Tensor, epsilon: float
) -> torch.Tensor:
    """Adds ``delta`` to ``residual`` in place, both [rows, size]; returns the sum's norm."""
    return rms_norm(residual.add_(delta), weight, epsilon)


def add_normed(
    residual: torch.Tensor, delta: torch.Tensor, weight: torch.Tensor, epsilon: float
) -> torch.Tensor:
    """Adds the norm of ``delta`` to ``residual`` in place, both [rows, size]; returns it."""
    return residual.add_(rms_norm(delta, weight, epsilon))


def gate(projected: torch.Tensor) -> torch.Tensor:
    """silu(a) * b of ``projected`` [tokens, 2 size], whose rows are a then b: [tokens, size]."""
    opened, passed = projected.chunk(2, -1)
    return F.silu(opened).mul_(passed)


def rotate_and_write(
    projected: torch.Tensor,
    cosines: torch.Tensor,
    sines: torch.Tensor,
    head_norms: tuple[torch.Tensor, torch.Tensor] | None,
    epsilon: float,
    keys: torch.Tensor,
    values: torch.Tensor,
    slots: torch.Tensor,
) -> torch.Tensor:
    """Rotates queries and keys; writes keys and values. Its arguments are the kernel's."""
    kv_heads, size = keys.shape[-2:]
    by_head = projected.unflatten(-1, (-1, size))
    turning, passed = by_head.split([by_head.shape[1] - kv_heads, kv_heads], dim=1)
    heads = turning.shape[1] - kv_heads
    if head_norms is not None:
        query_norm, key_norm = head_norms
        query, key = turning.split([heads, kv_heads], dim=1)
        normed = rms_norm(query, query_norm, epsilon), rms_norm(key, key_norm, epsilon)
        turning = torch.cat(normed, 1)
    half = size // 2
    across = torch.cat([-turning[..., half:], turning[..., :half]], -1)
    turned = (turning * cosines[:, None]).add_(across.mul_(sines[:, None]))
    query, key = turned.split([heads, kv_heads], dim=1)
    keys.index_copy_(0, slots, key)
    values.index_copy_(0, slots, passed)
    return query
