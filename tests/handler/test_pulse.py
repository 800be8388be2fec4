"""The signs of life of a request worker."""

import os
import time
from pathlib import Path

import pytest

from molmo2_handler import pulse as module
from molmo2_handler.pulse import Pulse


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_BEATS", 0.01)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """That of this process: its age is the pulse."""
    return tmp_path / "workers" / str(os.getpid())


@pytest.fixture
def start(tmp_path: Path, file: Path):
    """Starts a pulse of this process, which ends with the test."""
    started = []

    def pulse(patience: float) -> Pulse:
        started.append(Pulse(tmp_path, patience))
        started[-1].start()
        return started[-1]

    yield pulse
    file.unlink(missing_ok=True)
    for thread in started:
        thread.join(10)
        assert not thread.is_alive()


def beats(file: Path, seconds: float = 5.0) -> bool:
    """Whether another beat comes."""
    seen, until = file.stat().st_mtime_ns, time.monotonic() + seconds
    while file.stat().st_mtime_ns == seen and time.monotonic() < until:
        time.sleep(0.01)
    return file.stat().st_mtime_ns != seen


def test_a_worker_beats_at_rest_and_with_a_request_in_hand(start, file):
    pulse = start(patience=4)
    assert file.read_text() == "4"
    assert beats(file)
    with pulse.request(timeout=60):
        assert beats(file)


def test_it_does_not_beat_while_a_request_is_overdue_and_then_beats_again(start, file):
    pulse = start(patience=0.2)
    with pulse.request(timeout=0.1):
        while beats(file, 0.5):
            pass
    assert beats(file)


def test_it_ends_with_its_run_directory(start, file):
    pulse = start(patience=4)
    file.unlink()
    pulse.join(10)
    assert not pulse.is_alive()
