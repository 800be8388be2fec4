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
        blow.ends("`internal`")
        assert kinds == {"internal"}


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_decoder_that_crashes(scene, transport):
    name = f"a decoder crashes (SIGSEGV), and again at the client's second try ({transport})"
    with scene.fault(name) as blow:
        before = {worker.pid for worker in workers(scene.server)}
        blow.strikes()
        kind = scene.ask(transport, told("crash"), retries=4)
        blow.ends(f"`{kind}`")
        assert kind == "video_unreadable"
        gone = before - {worker.pid for worker in workers(scene.server)}
        assert len(gone) == 2, "a video that kills workers is sent twice, and no more"


def test_a_worker_killed_at_rest(scene):
    with scene.fault("`kill -9` of a worker at rest") as blow:
        with scene.bystanders.resting():
            workers(scene.server)[0].kill()
            blow.strikes()
        kind = scene.ask("http", [{"operation": "embed"}])
        blow.ends("nobody; the next is answered")
        assert kind == "answered"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_worker_killed_at_work(scene, transport):
    with scene.fault(f"`kill -9` of a worker at work ({transport})") as blow:
        answer = scene.asked(transport, SLOW)
        scene.worker_at_work().kill()
        blow.strikes()
        kind = answer.result()
        blow.ends(f"`{kind}`")
        assert kind == "engine_unavailable"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_worker_killed_at_work_for_a_client_who_tries_again(scene, transport):
    name = f"the same, for a client with its ordinary retries ({transport})"
    with scene.fault(name) as blow:
        answer = scene.asked(transport, SLOW[:1], retries=4)
        scene.worker_at_work().kill()
        blow.strikes()
        kind = answer.result()
        blow.ends(kind)
        assert kind == "answered"


def test_a_worker_that_hangs(scene):
    patience = scene.handler_settings["worker_heartbeat_timeout"]
    name = f"a worker hangs (SIGSTOP; `worker_heartbeat_timeout` {patience} s)"
    with scene.fault(name) as blow:
        answer = scene.asked("http", SLOW, timeout=120)
        scene.worker_at_work().send_signal(signal.SIGSTOP)
        blow.strikes()
        kind = answer.result()
        blow.ends(f"`{kind}`")
        assert kind == "engine_unavailable"
