"""Products with several weights as one, by the kernel that is fastest for the tokens at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from molmo2_engine.model.kernels.skinny_linear import Tiling


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
        from molmo2_engine.model.kernels.skinny_linear import skinny_linear

        output = skinny_linear(hidden, self.weight, tiling)
        return output if self._bias is None else output.add_(self._bias)

    def use(self, tokens: int, tiling: Tiling | None) -> None:
        """From now on, this many tokens are multiplied by that tiling."""
        self._tilings[tokens] = tiling
