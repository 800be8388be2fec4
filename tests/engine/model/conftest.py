"""Where Triton kernels run: on a GPU, or in Triton's interpreter (see ``tests/conftest.py``)."""

import pytest
import torch

from molmo2_engine.model.kernels import paged_attention


@pytest.fixture(scope="session")
def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def few_programs(device, monkeypatch):
    """The interpreter takes milliseconds for each program of a kernel."""
    if device.type == "cpu":
        monkeypatch.setattr(paged_attention, "DEFAULT", paged_attention.Tiling(programs=8))
