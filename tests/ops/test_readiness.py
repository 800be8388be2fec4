"""When a server is ready: lately seen to generate, with workers and engines alive."""

import time

import pytest

from molmo2_ops.engines import EngineState
from molmo2_ops.management import ListedModel
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.readiness import Readiness
from molmo2_ops.worker_processes import WorkerCount


def seen(tokens=0.0, alive=2, running=0, engine_alive=True, reachable=True):
    listed = ListedModel("m", min_workers=2, workers=(), pending=0, room=8)
    model = ModelState(listed, WorkerCount(alive=alive, lost=2 - alive), running)
    exposition = f"molmo2_engine_generated_tokens_total {tokens}\n"
    engine = EngineState("cpu", engine_alive, exposition if engine_alive else "")
    return Observation(reachable, (model,), (engine,))


@pytest.fixture
def readiness():
    return Readiness(proof_seconds=30, hopeless_seconds=60)


def test_workers_and_an_engine_that_live_prove_nothing(readiness):
    readiness.judge(seen())
    assert readiness.why_not == ["m: no token was generated yet"]
    assert readiness.wants_proof("m", after=5)


def test_a_token_that_came_is_proof(readiness):
    readiness.generated("m", None)
    readiness.judge(seen())
    assert readiness.ready
    assert readiness.model_is_ready("m")
    assert not readiness.wants_proof("m", after=5)


def test_a_token_that_did_not_come_says_why(readiness):
    readiness.generated("m", "engine_unavailable: the engine was lost")
    readiness.judge(seen())
    assert readiness.why_not == ["m: engine_unavailable: the engine was lost"]


def test_work_in_hand_that_advances_is_proof(readiness):
    readiness.judge(seen(tokens=10, running=1))
    assert not readiness.ready
    readiness.judge(seen(tokens=11, running=1))
    assert readiness.ready


def test_work_in_hand_that_stands_still_is_none(readiness):
    for _ in range(2):
        readiness.judge(seen(tokens=10, running=1))
    assert not readiness.ready


def test_proof_grows_old(readiness, monkeypatch):
    readiness.generated("m", None)
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    readiness.judge(seen())
    assert not readiness.ready


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"alive": 0}, "m: no worker is alive"),
        ({"engine_alive": False}, "engine cpu is away"),
        ({"reachable": False}, "TorchServe does not answer"),
    ],
)
def test_a_fault_ends_readiness_at_once(readiness, fault, reason):
    readiness.generated("m", None)
    readiness.judge(seen(**fault))
    assert reason in readiness.why_not


def test_after_an_engine_was_away_what_it_did_before_is_no_proof(readiness):
    readiness.generated("m", None)
    readiness.judge(seen(engine_alive=False))
    readiness.judge(seen())
    assert not readiness.ready


def test_a_server_that_is_drained_is_not_ready_and_lives(readiness):
    readiness.generated("m", None)
    readiness.judge(seen())
    readiness.draining = True
    assert readiness.why_not == ["the server is being drained"]
    assert not readiness.model_is_ready("m")
    assert readiness.why_dead is None


def test_a_server_that_has_not_been_ready_for_long_is_dead(readiness, monkeypatch):
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    readiness.judge(seen())
    assert "not ready for 61 s" in readiness.why_dead


def test_a_server_that_nobody_looks_at_is_dead(readiness, monkeypatch):
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert "nobody has looked" in readiness.why_dead
