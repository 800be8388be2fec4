"""Which kernel multiplies a few tokens with the weights fastest, measured on the GPU at hand."""

import torch

from molmo2_engine.model.fused_linear import FusedLinear
from molmo2_engine.model.kernels.skinny_linear import MOST_TOKENS, TILINGS, Tiling
from molmo2_engine.model.stopwatch import seconds_on_device


def choose_tilings(linears: list[FusedLinear], tokens: int) -> dict[torch.Size, Tiling | None]:
    """Measures, for each shape of weight, what is fastest with this many tokens, and uses it.

    Each candidate goes through all weights of a shape, as a decode step does: one weight alone
    would be read from the cache of the GPU.
    """
    if tokens > MOST_TOKENS:
        return {}
    by_shape: dict[torch.Size, list[FusedLinear]] = {}
    for linear in linears:
        by_shape.setdefault(linear.weight.shape, []).append(linear)
    chosen = {shape: _fastest(same, tokens) for shape, same in by_shape.items()}
    for linear in linears:
        linear.use(tokens, chosen[linear.weight.shape])
    return chosen


def _fastest(linears: list[FusedLinear], tokens: int) -> Tiling | None:
    hidden = linears[0].weight.new_zeros(tokens, linears[0].weight.shape[1])

    def seconds(tiling: Tiling | None) -> float:
        return seconds_on_device(lambda: [one.product(hidden, tiling) for one in linears])

    return min((None, *TILINGS), key=seconds)
