"""Every kernel compiles for an H100, whether or not there is one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPILE = Path(__file__).parents[1] / "support" / "compile_kernels.py"
H100_SHARED_BYTES = 227 * 1024
READS_MUCH = {"_attend_to_part", "_leading", "_multiply"}


@pytest.mark.slow
def test_kernels_compile_fit_and_read_ahead(tmp_path):
    process = subprocess.run(
        [sys.executable, COMPILE],
        env=os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    compiled = [json.loads(line) for line in process.stdout.splitlines()]
    print(process.stdout)
    assert {each["kernel"] for each in compiled} > READS_MUCH
    assert all(each["shared"] <= H100_SHARED_BYTES for each in compiled)
    assert all(each["ahead"] for each in compiled if each["kernel"] in READS_MUCH)
