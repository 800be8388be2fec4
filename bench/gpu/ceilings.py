"""What this device can do: its matrix product rate and its copy bandwidth, measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

_PRODUCTS = 8


@dataclass(frozen=True)
class Ceilings:
    """Measured in the process that compares with them."""

    matrix_rate: float
    """Floating point operations a second, in the dtype of the model."""
    bandwidth: float
    """Bytes a second that a copy reads and writes together."""


def wait_for(device: torch.device) -> None:
    """Returns when the device has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def best_seconds(device: torch.device, work: Callable[[], object], rounds: int) -> float:
    """The least wall time of some rounds, after one that does not count."""
    times = []
    for _ in range(rounds + 1):
        wait_for(device)
        began = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def measure(device: torch.device, dtype: torch.dtype, small: bool) -> Ceilings:
    """``small`` sizes are for a CPU; those for a GPU fill it and its memory's caches."""
    sizes = [256] if small else [4096, 8192, 12288]
    rates = [_matrix_rate(device, dtype, size) for size in sizes]
    bandwidth = _copy_rate(device, 2**24 if small else 2**32)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # what is measured next finds the memory free
    return Ceilings(max(rates), bandwidth)


def _copy_rate(device: torch.device, size: int) -> float:
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / best_seconds(device, lambda: target.copy_(source), 5)


def _matrix_rate(device: torch.device, dtype: torch.dtype, size: int) -> float:
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def multiply() -> None:
        for _ in range(_PRODUCTS):
            one @ other

    return _PRODUCTS * 2 * size**3 / best_seconds(device, multiply, 5)
