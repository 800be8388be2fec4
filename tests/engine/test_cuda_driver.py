"""Whether a process has begun to use CUDA."""

import subprocess
import sys

import pytest

ASK = "from molmo2_engine.cuda_driver import is_in_use; print(is_in_use())"


def asked_after(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", f"{code}; {ASK}"], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_process_that_has_only_imported_torch_has_not():
    assert asked_after("import torch") == "False"


@pytest.mark.gpu
def test_one_that_has_asked_the_device_has():
    assert asked_after("import torch; torch.cuda.init()") == "True"


@pytest.mark.gpu
def test_what_an_engine_imports_does_not_begin_it():
    code = "import os; os.environ['PYTORCH_NVML_BASED_CUDA_CHECK'] = '1'"
    assert asked_after(f"{code}; import molmo2_engine.process") == "False"
