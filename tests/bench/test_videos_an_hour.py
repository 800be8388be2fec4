"""The sizing tables are what their arithmetic comes to, and the arithmetic behaves as GPUs do."""

from pathlib import Path

import pytest
from gpu.shapes import SHAPES
from videos_an_hour import (
    CHECKPOINTS,
    CORES,
    GPUS,
    MEMORY_PART,
    SLOTS,
    answer_seconds,
    prefill_seconds,
    rates,
    sizes,
    videos_an_hour,
)

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "k8s" / "README.md").read_text()
L4, *_, H200 = GPUS


@pytest.mark.parametrize("rows", [sizes, rates])
def test_the_guide_has_its_rows(rows):
    for row in rows():
        assert f"| {' | '.join(row)} |" in GUIDE


def test_the_guide_says_that_nothing_of_it_was_measured():
    (row, *_) = rates()
    before = " ".join(GUIDE[: GUIDE.index(" | ".join(row))].split())
    assert "arithmetic, not measured" in before[-900:]


def test_slots_and_cores_are_those_of_a_pod():
    from rendering import container, model_config

    assert model_config("gpu")["minWorkers"] == SLOTS
    assert container("gpu", "server")["resources"]["requests"]["cpu"] == str(CORES)


def test_a_step_reads_every_weight_so_that_a_larger_batch_shares_them():
    shape = SHAPES["8B"]
    alone, together = (answer_seconds(shape, H200, batch) for batch in (1, 16))
    assert together < alone / 4
    # 8 billion weights of 2 bytes, 128 times.
    assert alone == pytest.approx(128 * 16.5e9 / (MEMORY_PART * H200.bandwidth), rel=0.1)


def test_a_gpu_with_more_of_everything_does_more_and_a_larger_checkpoint_less():
    assert prefill_seconds(SHAPES["4B"], H200) < prefill_seconds(SHAPES["8B"], H200)
    for _, name in CHECKPOINTS.values():
        slow, fast = (videos_an_hour(SHAPES[name], gpu, held=16) for gpu in (L4, H200))
        assert fast > 5 * slow
