"""The GPU benchmark's code, on a tiny checkpoint on the CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "engine_gpu.py"
FIGURES = {
    "decode_roofline_1",
    "decode_roofline_16",
    "prefill_roofline",
    "distinct_speedup",
    "five_operations_speedup",
    "page_use",
}


@pytest.fixture
def bench(tmp_path):
    def run(*arguments):
        command = [sys.executable, BENCH, "--shape", "tiny", "--device", "cpu"]
        command += ["--results", tmp_path / "figures.json", *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)

    return run


def figures(process):
    return json.loads(process.stdout.splitlines()[-1])


def test_every_part_runs_and_every_figure_is_measured(bench):
    process = bench("--together")
    assert process.returncode == 0, process.stdout
    found = figures(process)
    assert found.keys() == FIGURES
    assert all(value > 0 for value in found.values())
    assert found["page_use"] <= 1


def test_a_part_that_fails_is_named_and_leaves_the_figures_of_earlier_ones(bench, tmp_path):
    (tmp_path / "figures.json").write_text('{"prefill_roofline": 0.5}')
    process = bench("--only", "ceilings", "--device", "no-such-device")
    assert process.returncode == 1
    assert "again with --only ceilings" in process.stdout
    assert figures(process) == dict.fromkeys(FIGURES) | {"prefill_roofline": 0.5}
