"""What every test starts from."""

import os
import signal
from pathlib import Path

import hypothesis

# The machine may be busy: an example's duration says nothing about the code.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

# Without a GPU, Triton kernels run in Triton's interpreter. Triton reads this when it is imported.
if not Path("/dev/nvidiactl").exists():
    os.environ["TRITON_INTERPRET"] = "1"

# A shell that runs the tests in the background has SIGINT ignored, and programs inherit that; some
# tests press Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
