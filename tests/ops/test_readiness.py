"""When a server is ready: lately seen to generate, with workers and engines alive."""

import time

import pytest

from molmo2_ops.engines import EngineState
from molmo2_ops.management import ListedModel
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.readiness import Readiness
from molmo2_ops.worker_processes import WorkerCount


def model(name="m", alive=2, running=0, engines=("cpu",), **more):
    listed = ListedModel(name, min_workers=2, workers=(), pending=0, room=8)
    workers = WorkerCount(alive=alive, lost=2 - alive)
    return ModelState(listed, workers, running, engines=frozenset(engines), **more)


def engine(name="cpu", tokens=0.0, in_hand=0, alive=True):
    exposition = (
        f"molmo2_engine_generated_tokens_total {tokens}\n"
        f"molmo2_engine_running_sequences {in_hand}\n"
    )
    return EngineState(name, alive, exposition if alive else "")


def seen(tokens=0.0, engine_alive=True, reachable=True, **of_model):
    engines = (engine(tokens=tokens, alive=engine_alive),)
    return Observation(reachable, (model(**of_model),), engines)


@pytest.fixture
def readiness():
    return Readiness(proof_seconds=30, hopeless_seconds=60)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so."""
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_workers_and_an_engine_that_live_prove_nothing(readiness):
    readiness.judge(seen())
    assert readiness.why_not == ["m: no token was generated yet"]
    assert readiness.wants_proof("m", after=5)


def test_a_token_that_came_is_proof(readiness):
    readiness.generated("m")
    readiness.judge(seen())
    assert readiness.ready
    assert readiness.model_is_ready("m")
    assert not readiness.wants_proof("m", after=5)


def test_a_token_that_did_not_come_says_why(readiness):
    readiness.failed("m", "engine_unavailable: the engine was lost", may_be_load=False)
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


def test_the_progress_of_one_models_engine_proves_no_other_model(readiness):
    models = (model("a", running=1, engines=["one"]), model("b", running=1, engines=["two"]))
    for tokens in (1, 2):
        engines = (engine("one", tokens), engine("two"))
        readiness.judge(Observation(True, models, engines))
    assert readiness.why_not == ["b: no token was generated yet"]
    assert readiness.model_is_ready("a")
    assert not readiness.model_is_ready("b")


def test_one_models_lost_engine_is_no_fault_of_another(readiness):
    for name in ("a", "b"):
        readiness.generated(name)
    models = (model("a", engines=["one"]), model("b", engines=["two"]))
    readiness.judge(Observation(True, models, (engine("one"), engine("two", alive=False))))
    assert readiness.model_is_ready("a")
    assert not readiness.model_is_ready("b")
    assert not readiness.ready


def test_an_engine_that_nobody_uses_any_more_is_not_missed(readiness):
    readiness.generated("m")
    old = engine("old", alive=False)
    readiness.judge(Observation(True, (model(),), (engine(), old)))
    assert readiness.ready


def test_an_engine_that_is_stuck_shows_although_another_of_the_model_advances(readiness, clock):
    both = model(running=2, engines=["gpu0", "gpu1"])
    for tokens in range(40):
        engines = (engine("gpu0", tokens), engine("gpu1", in_hand=1))
        readiness.judge(Observation(True, (both,), engines))
        assert readiness.ready == (0 < tokens <= 30), readiness.why_not
        clock(1)
    assert readiness.why_not == ["engine gpu1 has not advanced for 39 s"]


def test_an_engine_that_says_nothing_for_long_is_not_trusted(readiness, clock):
    readiness.judge(seen())
    for _ in range(31):
        clock(1)
        readiness.generated("m")
        readiness.judge(Observation(True, (model(),), (EngineState("cpu", True, ""),)))
    assert readiness.why_not == ["engine cpu has not advanced for 31 s"]


def test_an_engine_at_rest_need_not_advance(readiness, clock):
    for _ in range(40):
        readiness.generated("m")
        readiness.judge(seen(tokens=10))
        clock(1)
    assert readiness.ready


def test_while_every_worker_is_at_a_request_the_last_proof_stays_good(readiness, clock):
    readiness.generated("m")
    for _ in range(120):  # all decode long videos
        readiness.judge(seen(running=2))
        clock(1)
    assert readiness.ready
    assert not readiness.wants_proof("m", after=5)


@pytest.mark.parametrize(
    "state", [{"running": 1}, {"running": 2, "canaries": 1}, {"running": 2, "failed": 1}]
)
def test_it_does_not_where_somebody_is_free_or_requests_have_failed(readiness, clock, state):
    readiness.generated("m")
    for _ in range(32):
        readiness.judge(seen(**state))
        clock(1)
    assert not readiness.ready


@pytest.mark.parametrize("may_be_load", [False, True])
def test_a_token_that_did_not_come_is_held_against_busy_workers_unless_it_waited(
    readiness, clock, may_be_load
):
    readiness.generated("m")
    readiness.failed("m", "no", may_be_load)
    for _ in range(60):
        readiness.judge(seen(running=2))
        clock(1)
    assert readiness.ready == may_be_load


def test_a_token_after_a_failure_is_proof_again(readiness, clock):
    readiness.generated("m")
    readiness.judge(seen(running=2, failed=1))
    readiness.generated("m")
    for _ in range(60):
        readiness.judge(seen(running=2, failed=1))
        clock(1)
    assert readiness.ready


def test_busy_workers_prove_nothing_where_nothing_was_proved(readiness):
    readiness.judge(seen(running=2))
    assert not readiness.ready


def test_proof_grows_old(readiness, clock):
    readiness.generated("m")
    clock(31)
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
    readiness.generated("m")
    readiness.judge(seen(**fault))
    assert reason in readiness.why_not
    assert not readiness.model_is_ready("m")


def test_after_an_engine_was_away_what_it_did_before_is_no_proof(readiness):
    readiness.generated("m")
    readiness.judge(seen(engine_alive=False))
    readiness.judge(seen())
    assert not readiness.ready


def test_a_model_is_not_judged_by_another_whose_name_ends_like_it(readiness):
    readiness.generated("b")
    readiness.judge(Observation(True, (model("ab"), model("b")), (engine(),)))
    assert readiness.why_not == ["ab: no token was generated yet"]
    assert readiness.model_is_ready("b")
    assert not readiness.model_is_ready("ab")


def test_a_model_that_is_not_there_is_not_ready(readiness):
    readiness.generated("m")
    readiness.judge(seen())
    assert not readiness.model_is_ready("another")
    readiness.judge(Observation(reachable=False))
    assert not readiness.model_is_ready("m")


def test_a_server_whose_models_all_have_no_workers_is_not_ready(readiness):
    readiness.judge(Observation(True, (), (engine(),)))
    assert readiness.why_not == ["TorchServe has no model that is to have workers"]


def test_what_was_true_when_somebody_last_looked_is_not_told_for_ever(readiness, clock):
    readiness.generated("m")
    readiness.judge(seen())
    clock(31)
    assert readiness.why_not == ["nobody has looked at the server for 31 s"]
    assert not readiness.model_is_ready("m")


def test_a_server_that_is_drained_is_not_ready_and_lives(readiness):
    readiness.generated("m")
    readiness.judge(seen())
    readiness.draining = True
    assert readiness.why_not == ["the server is being drained"]
    assert not readiness.model_is_ready("m")
    assert readiness.why_dead is None


def test_it_admits_from_when_it_was_first_ready_until_it_is_drained(readiness, clock):
    readiness.judge(seen())
    assert not readiness.admitting
    readiness.generated("m")
    readiness.judge(seen())
    assert readiness.admitting
    clock(31)
    readiness.judge(seen())
    assert not readiness.ready
    assert readiness.admitting
    readiness.draining = True
    assert not readiness.admitting


def test_a_server_that_has_not_been_ready_for_long_is_dead(readiness, clock):
    clock(61)
    readiness.judge(seen())
    assert "not ready for 61 s" in readiness.why_dead


def test_a_server_that_nobody_looks_at_is_dead(readiness, clock):
    clock(31)
    assert "nobody has looked" in readiness.why_dead
