"""The process beside TorchServe, where it does not do as it is told."""

import time

from molmo2_client.serving import beside as module
from molmo2_client.serving.beside import Beside

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


def test_a_drain_that_does_not_end_in_time_is_no_drain(tmp_path, monkeypatch):
    (tmp_path / "molmo2_ops").mkdir()
    (tmp_path / "molmo2_ops" / "__init__.py").touch()
    (tmp_path / "molmo2_ops" / "__main__.py").write_text(DEAF)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(module, "_SECONDS_TO_END", 0.1)
    beside = Beside([], tmp_path / "watch.log", grace=0)
    beside.keep()
    try:
        until = time.monotonic() + 60
        while beside.report != "deaf":
            assert time.monotonic() < until, beside.report
            time.sleep(0.05)
        assert beside.drain() is False
    finally:
        beside.end()
