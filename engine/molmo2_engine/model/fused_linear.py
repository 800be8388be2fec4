"""Products with several weights as one, by the kernel that is fastest for the tokens at hand."""

import torch
import torch.nn.functional as F
from torch import nn

from molmo2_engine.model.kernels.skinny_linear import (
    MOST_TOKENS,
    TILINGS,
    Tiling,
    skinny_linear,
)
from molmo2_engine.model.stopwatch import seconds_on_device


class FusedLinear:
    """The outputs of linear modules that read the same input, side by side.

    The modules' own weights become views of the common one, so no memory is spent twice.
    """

    def __init__(self, modules: list[nn.Linear]) -> None:
        self.weight = modules[0].weight.detach()
        self._bias = None
        if len(modules) > 1:
            self.weight = torch.cat([module.weight.detach() for module in modules])
            for module, part in zip(modules, self._parts(modules), strict=True):
                module.weight = nn.Parameter(part, requires_grad=False)
        if modules[0].bias is not None:
            self._bias = torch.cat([module.bias.detach() for module in modules])
        self._tilings: dict[int, Tiling | None] = {}

    def _parts(self, modules: list[nn.Linear]) -> tuple[torch.Tensor, ...]:
        return self.weight.split([module.out_features for module in modules])

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """[tokens, inputs] → [tokens, outputs of all modules]."""
        return self.product(hidden, self._tilings.get(len(hidden)))

    def product(self, hidden: torch.Tensor, tiling: Tiling | None) -> torch.Tensor:
        """The same by a tiling of the skinny kernel, or by PyTorch's own product for None."""
        if tiling is None:
            return F.linear(hidden, self.weight, self._bias)
        output = skinny_linear(hidden, self.weight, tiling)
        return output if self._bias is None else output.add_(self._bias)

    def use(self, tokens: int, tiling: Tiling | None) -> None:
        """From now on, this many tokens are multiplied by that tiling."""
        self._tilings[tokens] = tiling


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
