"""A worker that dies or hangs costs one request, and bad requests leave nothing behind."""

import contextlib
import signal
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from damage import damaged_files

from molmo2_client import Molmo2Error
from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

EMBED = [{"operation": "embed"}]
TIMEOUT = 20.0
GRACE = 10.0
"""Seconds beside a timeout, on a busy machine."""


@pytest.fixture(scope="module")
def good(own_stage) -> Path:
    (video,) = generate(own_stage.videos, 1, seed=11)
    return video.path


@pytest.fixture(scope="module")
def large(own_stage) -> Path:
    """A video that takes a worker many seconds to decode: every frame refers to the one before."""
    path = own_stage.videos / "large.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (4, 720, 1280, 3), dtype=np.uint8)
    options = {"preset": "ultrafast", "crf": "20", "bf": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.gop_size = 1000
        for index in range(150):
            image = av.VideoFrame.from_ndarray(noise[index % 4], format="rgb24")
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    return path


def processes(stage) -> list[tuple[psutil.Process, str]]:
    """Everything that runs for the server, the engine included, with its command line."""
    run, found = str(stage.server.options.run_directory), []
    inside = psutil.Process(stage.server.process.pid).children(recursive=True)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):  # also one that is a zombie
            command = " ".join(process.cmdline())
            if process in inside or run in command:
                found.append((process, command))
    return found


def workers(stage) -> dict[int, psutil.Process]:
    """The request workers of the server, by process id."""
    found = processes(stage)
    return {process.pid: process for process, said in found if "model_service_worker.py" in said}


def reader_of(stage, path: Path) -> psutil.Process:
    """The worker that has the video open."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for worker in workers(stage).values():
            if str(path) in {file.path for file in worker.open_files()}:
                return worker
        time.sleep(0.02)
    raise AssertionError(f"no worker opened {path}")


def outcome(stage, path: Path, timeout: float = TIMEOUT, media: str = "path") -> str:
    """``ok``, or the kind of the error."""
    with stage.client("http", media=media, timeout=timeout, retries=0) as client:
        try:
            return client.ask(path, EMBED, max_frames=4).results[0].status
        except Molmo2Error as error:
            return error.kind


def wait_for_workers(stage, count: int, without: int) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        now = workers(stage)
        if len(now) == count and without not in now:
            return
        time.sleep(0.2)
    raise AssertionError(f"worker {without} was not replaced: {sorted(workers(stage))}")


def struck(stage, path: Path, number: signal.Signals) -> tuple["Future[str]", psutil.Process, int]:
    """A request about ``path`` whose worker is sent a signal while it decodes."""
    count = len(workers(stage))
    pool = ThreadPoolExecutor(1)
    answer = pool.submit(outcome, stage, path)
    worker = reader_of(stage, path)
    worker.send_signal(number)
    pool.shutdown(wait=False)
    return answer, worker, count


def test_a_worker_that_is_killed_costs_its_request_and_is_replaced(own_stage, good, large):
    answer, worker, count = struck(own_stage, large, signal.SIGKILL)
    assert outcome(own_stage, good) == "ok"  # by the other worker
    assert answer.result(TIMEOUT + GRACE) == "engine_unavailable"
    wait_for_workers(own_stage, count, without=worker.pid)
    assert [outcome(own_stage, good) for _ in range(4)] == ["ok"] * 4


def test_a_worker_that_hangs_costs_its_request_and_is_replaced(own_stage, good, large):
    answer, worker, count = struck(own_stage, large, signal.SIGSTOP)
    began = time.monotonic()
    assert outcome(own_stage, good) == "ok"
    kind = answer.result(TIMEOUT + GRACE)
    assert kind in ("deadline_exceeded", "engine_unavailable")
    assert time.monotonic() - began < TIMEOUT + GRACE
    wait_for_workers(own_stage, count, without=worker.pid)
    assert [outcome(own_stage, good) for _ in range(4)] == ["ok"] * 4


@dataclass(frozen=True)
class Holdings:
    """What TorchServe, its workers and the engine hold."""

    pids: frozenset[int]
    descriptors: int
    sockets: int
    temporary_files: int
    shared_memory: int


def holdings(stage) -> Holdings:
    run = stage.server.options.run_directory
    part = [*run.glob("tmp/**/*"), *run.glob("frames-*/*.part"), *run.glob("frames-*/room")]
    everything = [process for process, _ in processes(stage)]
    return Holdings(
        pids=frozenset(workers(stage)),
        descriptors=sum(process.num_fds() for process in everything),
        sockets=sum(len(process.net_connections("all")) for process in everything),
        temporary_files=len(part),
        shared_memory=sum(
            place.path.startswith("/dev/shm")
            for process in everything
            for place in process.memory_maps()
        ),
    )


def ask_all(stage, good: Path, first: int, count: int) -> tuple[Counter[str], list[str], float]:
    """Damaged files, sent by four callers at once, a good one after every tenth."""
    kinds: Counter[str] = Counter()
    late: list[str] = []
    longest = 0.0
    lock = threading.Lock()

    def ask(numbered) -> None:
        nonlocal longest
        place, damaged = numbered
        path = folder / f"{place}.bin"
        path.write_bytes(damaged.content)
        began = time.monotonic()
        kind = outcome(stage, path, media=("upload", "path")[place % 2])
        seconds = time.monotonic() - began
        path.unlink()
        assert place % 10 or outcome(stage, good) == "ok"
        with lock:
            kinds[kind] += 1
            longest = max(longest, seconds)
            if seconds > TIMEOUT + GRACE:
                late.append(damaged.name)

    folder = stage.videos
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, enumerate(damaged_files(count, first))))
    return kinds, late, longest


@pytest.fixture
def settled(own_stage, good) -> None:
    """Both workers have answered about a good video and a bad one, and opened what they keep."""
    ask_all(own_stage, good, first=10_000, count=40)


def check_many(stage, good: Path, count: int, capsys) -> None:
    before = holdings(stage)
    kinds, late, longest = ask_all(stage, good, 0, count)
    until = time.monotonic() + 30
    after = holdings(stage)
    while after.descriptors > before.descriptors and time.monotonic() < until:
        time.sleep(1)  # the last connections of the callers are being closed
        after = holdings(stage)
    with capsys.disabled():
        print(f"\n{count} damaged files: {dict(kinds)}, longest {longest:.1f} s\n{before}\n{after}")
    assert not late
    assert kinds.keys() <= {"ok", "video_unreadable", "video_too_long", "too_large"}
    assert after.pids == before.pids
    assert after.descriptors <= before.descriptors + 4
    assert after.sockets <= before.sockets + 4
    assert after.temporary_files <= before.temporary_files
    assert after.shared_memory <= before.shared_memory


@pytest.mark.usefixtures("settled")
def test_a_hundred_bad_requests_cost_no_worker_and_leave_nothing(own_stage, good, capsys):
    check_many(own_stage, good, 100, capsys)


@pytest.mark.slow
@pytest.mark.usefixtures("settled")
def test_two_thousand_bad_requests_cost_no_worker_and_leave_nothing(own_stage, good, capsys):
    check_many(own_stage, good, 2100, capsys)
