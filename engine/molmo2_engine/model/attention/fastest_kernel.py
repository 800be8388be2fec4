"""Which of PyTorch's fused kernels is fastest for a media prefix on the GPU at hand."""

import torch

from molmo2_engine.model.attention.every_key import attend_to_all
from molmo2_engine.model.stopwatch import seconds_on_device

_TOKENS = 4096
_CANDIDATES = ("flash", "cudnn", "efficient")


@torch.inference_mode()
def fastest_kernel(
    heads: int, kv_heads: int, size: int, dtype: torch.dtype, device: torch.device
) -> str:
    """Of those that run there and agree with plain PyTorch, log-sum-exp included.

    Raises:
        RuntimeError: if there is none.
    """
    query, keys, values = (
        torch.randn(count, _TOKENS, size, dtype=dtype, device=device)
        for count in (heads, kv_heads, kv_heads)
    )
    scale = size**-0.5
    right = attend_to_all(query, keys, values, scale, "plain")
    seconds: dict[str, float] = {}
    reasons: list[str] = []
    for name in _CANDIDATES:
        try:
            found = attend_to_all(query, keys, values, scale, name)
            torch.testing.assert_close(found, right, atol=2e-2, rtol=2e-2)
        except (RuntimeError, AssertionError) as error:
            reasons.append(f"{name}: {error}")
            continue
        seconds[name] = seconds_on_device(
            lambda name=name: attend_to_all(query, keys, values, scale, name)
        )
    if not seconds:
        raise RuntimeError(f"no attention kernel runs on {device}: {'; '.join(reasons)}")
    return min(seconds, key=seconds.__getitem__)
