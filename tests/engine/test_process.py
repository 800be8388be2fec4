"""The engine as a process: started once, found again, gone with its host."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from stopped_thread import stopped_thread

from molmo2_contract.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    InvalidRequest,
    VideoTooLong,
)
from molmo2_engine.client import EngineConnection, EngineLaunch, MediaNotHeld
from molmo2_engine.client.engine_lock import EngineLock
from molmo2_engine.client.silence import Silence
from molmo2_engine.wire import engine_pb2 as wire

TIMES = [0.0, 0.5, 1.0]


@pytest.fixture(scope="module")
def host():
    """A process that an engine is told to end with."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def launch(tmp_path_factory, host, request):
    checkpoint = request.getfixturevalue("qwen3_folder")
    return EngineLaunch(
        socket=tmp_path_factory.mktemp("run") / "engine.sock",
        settings={
            "checkpoint": str(checkpoint),
            "device": "cpu",
            "threads": 1,
            "exit_with": host.pid,
            "max_context_tokens": 256,
            "stall_seconds": 3,
            "heartbeat_timeout": 3.5,
        },
        start_timeout=120,
    )


@pytest.fixture(scope="module")
def connection(launch):
    connection = EngineConnection(launch)
    connection.describe()
    yield connection
    connection.close()


def request(key=b"k", times=TIMES, prompt="Point.", size=84, frames=True, tokens=8, embed=False):
    generation = wire.Generation(prompt=prompt, max_new_tokens=tokens, top_p=1.0)
    operations = [wire.Operation(generation=generation)]
    if embed:
        operations.append(wire.Operation(embedding=wire.Embedding(pooling=wire.MAX)))
    content = bytes(len(times) * size * size * 3) if frames else b""
    video = wire.Video(key=key, times=times, frames=content, frame_numbers=[1, 16, 31])
    return wire.AnswerRequest(video=video, operations=operations)


def test_it_says_what_it_serves(connection):
    description = connection.describe()
    assert description.frame_size == 84
    assert description.max_context_tokens == 256
    assert description.embedding_dimension == 64


def test_it_answers_every_operation_and_then_holds_the_video(connection):
    events = list(connection.answer(request(embed=True), timeout=60))
    by_kind = {event.WhichOneof("event"): event for event in events}
    assert by_kind["finished"].index == 0
    assert by_kind["finished"].finished.usage.generated_tokens <= 8
    assert by_kind["embedded"].index == 1
    assert sum(x * x for x in by_kind["embedded"].embedded.vector) == pytest.approx(1, abs=1e-5)
    again = list(connection.answer(request(frames=False), timeout=60))
    assert list(again[0].opened.frame_numbers) == [1, 16, 31]
    assert again[1].finished.text == by_kind["finished"].finished.text
    assert again[1].finished.usage.cached_tokens > 0


def test_it_publishes_how_it_is_doing(connection):
    list(connection.answer(request(key=b"counted", tokens=3), timeout=60))
    list(connection.answer(request(key=b"counted", tokens=3, frames=False), timeout=60))
    families = text_string_to_metric_families(connection.metrics(timeout=5))
    samples = [sample for family in families for sample in family.samples]
    values = {(s.name.removeprefix("molmo2_engine_"), *s.labels.values()): s.value for s in samples}
    assert all(sample.name.startswith("molmo2_engine_") for sample in samples)
    assert values["prefix_lookups_total", "hit"] >= 1
    assert values["prefix_lookups_total", "miss"] >= 1
    assert values["generated_tokens_total",] >= 6
    assert values["running_sequences",] == 0
    assert values["pages", "kept"] > 0
    assert values["pages", "used"] == 0
    assert values["time_to_first_token_seconds_count",] >= 2


def test_it_asks_for_frames_that_it_does_not_hold(connection):
    with pytest.raises(MediaNotHeld):
        list(connection.answer(request(key=b"new", frames=False), timeout=60))


def test_what_never_fits_is_refused_with_the_bound(connection):
    with pytest.raises(VideoTooLong, match=r"256 \(max_video_tokens\)"):
        list(connection.answer(request(times=[0.5 * i for i in range(60)]), timeout=60))
    _, event = connection.answer(request(prompt="why? " * 200), timeout=60)
    assert event.failed.field == "operations[0].prompt"
    assert "leave no room" in event.failed.message
    with pytest.raises(InvalidRequest, match="pixels hold"):
        list(connection.answer(request(size=85), timeout=60))


def test_a_deadline_ends_the_call_and_the_engine_goes_on(connection):
    with pytest.raises(DeadlineExceeded):
        list(connection.answer(request(key=b"late"), timeout=1e-3))
    assert list(connection.answer(request(), timeout=60))


def test_several_workers_find_one_engine(launch, connection):
    others = [EngineConnection(launch) for _ in range(4)]
    threads = [threading.Thread(target=other.describe) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert set(processes(launch)) == {engine(launch), psutil.Process(engine(launch)).ppid()}


def test_an_engine_killed_at_work_fails_that_work_and_is_replaced(launch, connection):
    first = engine(launch)
    events = connection.answer(request(key=b"long", tokens=200), timeout=60)
    threading.Timer(0.05, os.kill, (first, signal.SIGKILL)).start()
    with pytest.raises(EngineUnavailable):
        list(events)
    assert list(connection.answer(request(key=b"back"), timeout=60))
    assert engine(launch) != first


def test_the_engine_that_replaces_another_has_imported_everything_already(launch, connection):
    first = engine(launch)
    (launched,) = set(processes(launch)) - {first}
    os.kill(first, signal.SIGKILL)
    assert list(connection.answer(request(key=b"soon"), timeout=60))
    assert psutil.Process(engine(launch)).ppid() == launched


def test_an_engine_goes_on_without_the_process_that_it_came_from(launch, connection):
    first = engine(launch)
    (launched,) = set(processes(launch)) - {first}
    os.kill(launched, signal.SIGKILL)
    assert list(connection.answer(request(key=b"alone"), timeout=60))
    os.kill(first, signal.SIGKILL)
    assert list(connection.answer(request(key=b"anew"), timeout=120))
    assert not {launched, first} & set(processes(launch))


def test_an_engine_killed_at_rest_is_replaced_unseen(launch, connection):
    first = engine(launch)
    os.kill(first, signal.SIGKILL)
    assert list(connection.answer(request(), timeout=60))
    assert engine(launch) != first


def test_an_engine_that_is_stopped_is_replaced_by_whoever_wants_it_next(launch, connection):
    first = engine(launch)
    os.kill(first, signal.SIGSTOP)
    while psutil.Process(first).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    assert list(connection.answer(request(key=b"after a stop"), timeout=240))
    assert engine(launch) != first


def test_an_engine_whose_step_is_stuck_is_replaced(launch, connection):
    first = engine(launch)
    events = connection.answer(request(key=b"stuck", tokens=200), timeout=60)
    next(events)
    with stopped_thread(first):  # the loop's; the engine's other threads run on
        lock = EngineLock(launch.socket)
        silence = Silence(lock)
        deadline = time.monotonic() + 120
        while (hung := silence.look()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert hung.process == first
        assert lock.kill(hung)
    with pytest.raises(EngineUnavailable):
        list(events)
    assert list(connection.answer(request(), timeout=240))
    assert engine(launch) != first


def test_it_ends_with_its_host(launch, connection, host):
    assert processes(launch)
    host.kill()
    host.wait()
    deadline = time.monotonic() + 30
    while processes(launch) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes(launch)


def test_a_checkpoint_of_another_kind_is_refused_with_the_reason(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    launch = EngineLaunch(
        tmp_path / "e.sock", {"checkpoint": str(tmp_path), "device": "cpu"}, start_timeout=60
    )
    with pytest.raises(EngineUnavailable, match=r"status 1 .* this engine serves 'molmo2' only"):
        launch.connect()


def engine(launch):
    """Process id of the engine on the launch's socket."""
    return EngineLock(launch.socket).holder().process


def processes(launch):
    """Process ids of the engine, and of the process that it was forked from."""
    mine = f"--socket={launch.socket}"
    return [p.pid for p in psutil.process_iter(["cmdline"]) if mine in (p.info["cmdline"] or ())]
