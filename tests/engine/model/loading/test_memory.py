"""What loading costs: ``make test-loading``."""

import json
import subprocess
import sys
from pathlib import Path

import hub_checkpoint
import load_and_measure
import pytest
import torch
from hub_weights import Sizes

SIZES = Sizes(
    "qwen3",
    hidden=2048,
    heads=16,
    kv_heads=8,
    head=128,
    inner=8192,
    layers=14,
    vocabulary=32000,
)
"""A little more than a billion parameters: 4.2 GB in float32, as the hub stores them."""

GIGABYTE = 10**9


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    return hub_checkpoint.write_hub_checkpoint(folder, SIZES, shard_bytes=GIGABYTE)


def loaded(folder: Path, device: str, dtype: str) -> tuple[int, dict[str, float]]:
    """Bytes of the weights' files, and what loading them took in a process of its own."""
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert stored >= 4 * GIGABYTE
    command = [sys.executable, load_and_measure.__file__, str(folder), device, dtype]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost = json.loads(done.stdout)
    print(
        f"\n{stored / 1e9:.2f} GB on {device} in {dtype}: {cost['seconds']} s, peak "
        f"{cost['peak_bytes'] / 1e9:.2f} GB, of them {cost['imports_bytes'] / 1e9:.2f} GB before"
    )
    return stored, cost


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_a_cpu_there_is_never_a_second_copy(large, dtype):
    stored, cost = loaded(large, "cpu", dtype)
    held = stored if dtype == "float32" else stored // 2
    assert cost["peak_bytes"] <= 1.1 * held + GIGABYTE


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.timeout(1200)
def test_on_a_gpu_the_host_holds_next_to_nothing(large):
    stored, cost = loaded(large, "cuda", "bfloat16")
    assert cost["peak_bytes"] <= 0.3 * stored + 2 * GIGABYTE
