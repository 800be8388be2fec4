"""Weight-only int8, by torchao: a text layer takes half of what it takes in bfloat16.

A row of a weight is rounded to 256 steps of its own largest value; activations, the vision encoder,
embeddings and the head stay as they are. It serves where memory is short: the rounded weights are
read through torchao, not through the fused kernels.
"""

from typing import Literal

from torch import nn
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.model.optional_packages import require

Quantization = Literal["none", "int8"]


def quantise(model: Molmo2ForConditionalGeneration, how: Quantization) -> None:
    """Rounds the weights of the text layers, where they are.

    Raises:
        MissingPackage: if torchao is not installed.
    """
    if how == "none":
        return
    require("torchao", extra="quantized", wanted_by=f"quantization: {how}")
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    layers = model.model.language_model.layers
    quantize_(layers, Int8WeightOnlyConfig(set_inductor_config=False))


def is_quantised(model: nn.Module) -> bool:
    """Whether any weight is more than a tensor of numbers."""
    return any(type(weight) is not nn.Parameter for weight in model.parameters())
