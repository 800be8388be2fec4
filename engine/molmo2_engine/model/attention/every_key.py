"""Attention of every query to every key, with the log-sum-exp that merging needs.

No mask is involved, so the fused kernels of PyTorch do it, and grouped query heads need no copies
of keys: the heads that share a key head are laid behind one another as more queries of one head.
"""

from collections.abc import Callable

import torch

from molmo2_engine.model.attention.attended import Attended

_Kernel = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], tuple[torch.Tensor, ...]]
_QUERIES_AT_ONCE = 1024


def attend_to_all(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    scale: float,
    kernel: str | None = None,
) -> Attended:
    """Each query attends to all keys.

    Args:
        query: [heads, queries, head size].
        keys, values: [kv heads, keys, head size]; ``heads`` is a multiple of ``kv heads``.
        kernel: one of ``KERNELS``; None takes the first that suits the tensors.
    """
    heads, queries, size = query.shape
    kv_heads = keys.shape[0]
    grouped = query.reshape(1, kv_heads, heads // kv_heads * queries, size)
    run = KERNELS[kernel or _suited(query)]
    output, log_sum_exp = run(grouped, keys[None], values[None], scale)[:2]
    length = grouped.shape[2]
    return Attended(
        output.reshape(heads, queries, size),
        log_sum_exp.reshape(kv_heads, -1)[:, :length].reshape(heads, queries),
    )


def _suited(query: torch.Tensor) -> str:
    if query.device.type == "cpu":
        return "cpu"
    if query.device.type != "cuda":
        return "plain"
    return "efficient" if query.dtype == torch.float32 else "flash"


def _cpu(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
) -> tuple[torch.Tensor, ...]:
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, keys, values, 0.0, False, scale=scale
    )


def _flash(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
) -> tuple[torch.Tensor, ...]:
    return torch.ops.aten._scaled_dot_product_flash_attention(
        query, keys, values, 0.0, False, False, scale=scale
    )


def _cudnn(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
) -> tuple[torch.Tensor, ...]:
    return torch.ops.aten._scaled_dot_product_cudnn_attention(
        query, keys, values, None, True, 0.0, False, False, scale=scale
    )


def _efficient(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
) -> tuple[torch.Tensor, ...]:
    """Takes float32 too. It pads the log-sum-exp to a multiple of 32 queries."""
    return torch.ops.aten._scaled_dot_product_efficient_attention(
        query, keys, values, None, True, 0.0, False, scale=scale
    )


def _plain(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
) -> tuple[torch.Tensor, ...]:
    """On any device, some queries at once, so that the scores of all never exist together."""
    parts = []
    for some in query.split(_QUERIES_AT_ONCE, dim=2):
        scores = (some @ keys.transpose(-1, -2)).float() * scale
        weights = scores.softmax(-1).to(values.dtype)
        parts.append((weights @ values, scores.logsumexp(-1)))
    outputs, sums = zip(*parts, strict=True)
    return torch.cat(outputs, 2), torch.cat(sums, 2)


KERNELS: dict[str, _Kernel] = {
    "cpu": _cpu,
    "flash": _flash,
    "cudnn": _cudnn,
    "efficient": _efficient,
    "plain": _plain,
}
"""By name: of PyTorch for the CPU, three for CUDA, and one in plain PyTorch."""
