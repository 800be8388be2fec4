"""Faults of the engine."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from stopped_thread import stopped_thread
from watched import SLOW, engine, metrics, unpacked, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = [{"operation": "embed"}]


@contextmanager
def at_work(scene) -> Iterator[psutil.Process]:
    """The engine while it generates for the fault's own caller."""
    until(lambda: generating(scene.server) >= len(SLOW), 60, "an engine at work")
    yield engine(scene.server)


def generating(server) -> float:
    told = metrics(server)
    return sum(v for name, v in told.items() if name.startswith("molmo2_engine_running_sequences"))


def test_an_engine_killed_at_rest(scene):
    with scene.fault("`kill -9` of the engine at rest") as blow:
        with scene.bystanders.resting():
            engine(scene.server).kill()
            blow.strikes()
        kind = scene.ask("http", SHORT)
        blow.ends("nobody; the next is answered")
        assert kind == "answered"


def test_an_engine_killed_together_with_what_it_was_forked_from(scene):
    name = "`kill -9` of the engine and of the process that would have forked the next"
    with scene.fault(name) as blow:
        with scene.bystanders.resting():
            lost = engine(scene.server)
            lost.parent().kill()
            lost.kill()
            blow.strikes()
        kind = scene.ask("http", SHORT)
        blow.ends("nobody; the next is answered")
        assert kind == "answered"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_an_engine_killed_at_work(scene, transport):
    with scene.fault(f"`kill -9` of the engine at work ({transport})") as blow:
        answer = scene.asked(transport, SLOW)
        with at_work(scene) as process:
            process.kill()
            blow.strikes()
        kind = answer.result()
        blow.ends(f"`{kind}`")
        assert kind == "engine_unavailable"


def test_an_engine_that_is_stopped(scene):
    patience = scene.engine_settings["heartbeat_timeout"]
    with scene.fault(f"the engine hangs (SIGSTOP; `heartbeat_timeout` {patience} s)") as blow:
        answer = scene.asked("http", SLOW)
        with at_work(scene) as process:
            process.send_signal(signal.SIGSTOP)
            blow.strikes()
        kind = answer.result()
        blow.ends(f"`{kind}`")
        assert kind == "engine_unavailable"


def test_a_step_that_does_not_end(scene):
    patience = scene.engine_settings["stall_seconds"]
    with scene.fault(f"a step of the engine does not end (`stall_seconds` {patience} s)") as blow:
        answer = scene.asked("grpc", SLOW)
        with at_work(scene) as process, stopped_thread(process.pid):
            blow.strikes()
            kind = answer.result()
        blow.ends(f"`{kind}`")
        assert kind == "engine_unavailable"


def test_memory_that_does_not_suffice_for_one_prefill(scene):
    long = rendered(scene.videos / "long.mp4", frames=LONG)
    with scene.fault("the engine has no memory for one prefill") as blow:
        process = engine(scene.server)
        now = process.memory_info().vms
        resource.prlimit(process.pid, resource.RLIMIT_AS, (now + ROOM, resource.RLIM_INFINITY))
        blow.strikes()
        try:
            kind = scene.ask_about(long, "http", SHORT)
        finally:
            whole = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(process.pid, resource.RLIMIT_AS, whole)
        blow.ends(f"`{kind}`")
        assert engine(scene.server).pid == process.pid
        assert kind == "overloaded"


LONG = 160
"""Frames, encoded together (``frames_per_encoding``): their patches are one tensor of 54 MB."""

ROOM = 48 * 2**20
"""Bytes beyond what the engine has: enough for the frames as they are sent, not for that tensor."""


def rendered(path: Path, frames: int) -> Path:
    """A small video of two frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=2)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(frames):
            picture = np.full((64, 64, 3), number % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("header", "the weights' header is overwritten, and the engine has to start"),
        ("tensor", "one bit of the weights is flipped, and the engine has to start"),
    ],
)
def test_weights_that_are_damaged(scene, where, said):
    weights = unpacked(scene.server, "weights/model.safetensors")
    good = weights.read_bytes()
    damaged = bytearray(good)
    if where == "header":
        damaged[:64] = b"\xff" * 64
    else:
        damaged[-1] ^= 1
    with scene.fault(said) as blow:
        weights.write_bytes(damaged)
        engine(scene.server).kill()
        blow.strikes()
        kind = scene.ask("http", SHORT, timeout=20)
        blow.ends(f"`{kind}`")
        weights.write_bytes(good)
        blow.strikes()
        assert kind == "engine_unavailable"
