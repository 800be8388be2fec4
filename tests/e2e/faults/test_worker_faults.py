"""Faults of request workers."""

import signal

import pytest
from watched import SLOW, workers

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def told(prompt: str) -> list[dict[str, str]]:
    return [{"operation": "describe", "prompt": prompt}]


def test_a_handler_that_raises(scene):
    with scene.fault("the handler raises an exception") as blow:
        blow.strikes()
        kinds = {scene.ask(transport, told("raise")) for transport in ("http", "grpc")}
        blow.ends(", ".join(f"`{kind}`" for kind in kinds))
    assert kinds == {"internal"}


def test_a_decoder_that_crashes(scene):
    with scene.fault("a decoder crashes (SIGSEGV)") as blow:
        blow.strikes()
        kind = scene.ask("grpc", told("crash"))
        blow.ends(f"`{kind}`")
    assert kind == "video_unreadable"


def test_a_worker_killed_at_rest(scene):
    with scene.fault("`kill -9` of a worker at rest") as blow:
        with scene.bystanders.resting():
            workers(scene.server)[0].kill()
            blow.strikes()
        kind = scene.ask("http", [{"operation": "embed"}])
        blow.ends(f"nobody; the next is {kind}")
    assert kind == "answered"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_worker_killed_at_work(scene, transport):
    with scene.fault(f"`kill -9` of a worker at work ({transport})") as blow:
        answer = scene.asked(transport, SLOW)
        scene.worker_at_work().kill()
        blow.strikes()
        kind = answer.result()
        blow.ends(f"`{kind}`")
    assert kind == "video_unreadable"


def test_a_worker_that_hangs(scene):
    with scene.fault("a worker hangs (SIGSTOP; `worker_heartbeat_timeout` 3.5 s)") as blow:
        answer = scene.asked("http", SLOW, timeout=120)
        scene.worker_at_work().send_signal(signal.SIGSTOP)
        blow.strikes()
        kind = answer.result()
        blow.ends(f"`{kind}`")
    assert kind == "video_unreadable"
