"""What fused layers are made of, as Triton kernels."""

from molmo2_engine.model.kernels.gated import gate
from molmo2_engine.model.kernels.norm import add_and_norm, add_normed, rms_norm
from molmo2_engine.model.kernels.rotary import rotate_and_write

__all__ = ["add_and_norm", "add_normed", "gate", "rms_norm", "rotate_and_write"]
