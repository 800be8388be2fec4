"""When a run ends early: after a refused token, or after a server that stays away."""

import threading

import pytest
import stamina

from molmo2_client import Molmo2, limits
from molmo2_client.circuit_breaker import MIN_UNAVAILABLE_CALLS, CircuitBreaker
from molmo2_client.errors import (
    EngineUnavailable,
    InternalError,
    Overloaded,
    ServerUnreachable,
    Unauthorized,
    VideoUnreadable,
)
from molmo2_client.folder import label_folder

AWAY = [EngineUnavailable("it is being restarted"), ServerUnreachable("no connection")]


def note(breaker, *errors):
    for error in errors:
        breaker.note(error)


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize(("concurrency", "bound"), [(1, MIN_UNAVAILABLE_CALLS), (8, 8)])
def test_a_server_that_is_away_for_as_many_calls_as_run_at_once_ends_the_run(
    away, concurrency, bound
):
    breaker = CircuitBreaker(concurrency)
    note(breaker, *[away] * (bound - 1))
    with pytest.raises(type(away)):
        breaker.note(away)


@pytest.mark.parametrize("between", [None, VideoUnreadable("no video"), Overloaded("busy")])
def test_one_that_answers_in_between_does_not(between):
    breaker = CircuitBreaker(MIN_UNAVAILABLE_CALLS)
    for _ in range(5):
        note(breaker, *[AWAY[0]] * (MIN_UNAVAILABLE_CALLS - 1), between)


def test_a_refused_token_ends_the_run_at_once():
    with pytest.raises(Unauthorized):
        CircuitBreaker(8).note(Unauthorized("expired"))


@pytest.mark.parametrize("error", [InternalError("a defect"), ValueError("a defect of ours")])
def test_what_costs_its_own_sample_never_ends_the_run(error):
    note(CircuitBreaker(1), *[error] * 100)


def test_ctrl_c_in_a_call_ends_the_run():
    with pytest.raises(KeyboardInterrupt):
        CircuitBreaker(1).note(KeyboardInterrupt())


@pytest.fixture
def quick_waits(monkeypatch):
    monkeypatch.setattr(limits, "RETRY_WAIT", 0.001)
    monkeypatch.setattr(limits, "MAX_RETRY_WAIT", 0.001)
    monkeypatch.setattr(limits, "RETRY_JITTER", 0.0)


def test_a_server_that_starts_late_is_waited_for_where_asked_for(
    clips, contract_server, tmp_path, quick_waits
):
    """Longer than its requests' timeouts and attempts, by as many as run at once."""
    contract_server.away = True
    refusals = threading.Semaphore(0)
    several = 2 * (limits.RETRIES + 1) * MIN_UNAVAILABLE_CALLS

    def come_back() -> None:
        for _ in range(several):
            assert refusals.acquire(timeout=60)
        contract_server.away = False

    coming = threading.Thread(target=come_back)
    coming.start()
    stamina.instrumentation.set_on_retry_hooks([lambda _: refusals.release()])
    try:
        with Molmo2(contract_server.url, media="path", timeout=5, retry_for=60) as client:
            summary = label_folder(
                clips, ["embed"], client=client, output=tmp_path / "a.jsonl", concurrency=3
            )
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
        coming.join()

    assert (summary.labelled, summary.failed) == (5, 0)
