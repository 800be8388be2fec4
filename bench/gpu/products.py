"""Products of a few tokens with the weights, by PyTorch and by the skinny kernel's tilings."""

import torch

from gpu.subject import Subject
from molmo2_engine.model.fused_text import FusedText
from molmo2_engine.model.kernels.skinny_linear import TILINGS
from molmo2_engine.model.stopwatch import seconds_on_device


@torch.inference_mode()
def measure(subject: Subject) -> dict[str, float]:
    """Prints what share of the bandwidth each reaches; there is no figure to reach."""
    if subject.device.type != "cuda":
        print("only on CUDA: elsewhere PyTorch's own products are used")
        return {}
    by_shape: dict[torch.Size, list] = {}
    for linear in FusedText(subject.checkpoint.model).linears:
        by_shape.setdefault(linear.weight.shape, []).append(linear)
    names = ["PyTorch", *(f"{t.outputs}x{t.inputs}x{t.warps}" for t in TILINGS)]
    print(f"{'tokens':>6} {'weight':>16}" + "".join(f"{name:>12}" for name in names))
    for tokens in (1, 16):
        for shape, linears in by_shape.items():
            hidden = torch.zeros(tokens, shape[1], device=subject.device, dtype=subject.dtype)
            read = len(linears) * linears[0].weight.nbytes
            cells = [f"{tokens:>6} {shape[0]:>8}x{shape[1]:<7}"]
            for tiling in (None, *TILINGS):
                seconds = seconds_on_device(
                    lambda ls=linears, h=hidden, t=tiling: [one.product(h, t) for one in ls]
                )
                cells.append(f"{read / seconds / subject.ceilings.bandwidth:>12.3f}")
            print("".join(cells))
    return {}
