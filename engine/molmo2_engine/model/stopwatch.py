"""How long work takes on a GPU, without the time that the CPU takes to launch it."""

import math
from collections.abc import Callable

import torch

_ROUNDS = 5


def seconds_on_device(work: Callable[[], object]) -> float:
    """The least of some rounds of ``work``, which is captured in a CUDA graph.

    What the GPU cannot do, for lack of memory in its processors, takes infinitely long.
    """
    from triton.runtime.errors import OutOfResources  # beside PyTorch for CPUs there is no Triton

    try:
        graph = _capture(work)
    except (RuntimeError, OutOfResources):
        return math.inf
    times = []
    for _ in range(_ROUNDS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1000)
    return min(times)


def _capture(work: Callable[[], object]) -> torch.cuda.CUDAGraph:
    work()  # compiles kernels, which a capture may not
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph
