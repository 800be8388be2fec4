"""What an engine needs to be installed."""

import subprocess
import sys

BARE = """
import sys
for absent in ("triton", "torchao", "accelerate"):
    sys.modules[absent] = None
import molmo2_engine.process
"""


def test_an_engine_on_a_cpu_needs_nothing_that_only_comes_with_cuda_or_an_extra():
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
