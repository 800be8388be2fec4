import pytest

from molmo2_client import Settings, errors, limits
from molmo2_client.retry import Deaths, judge, patience, worth_retrying

RETRIED = (errors.Overloaded, errors.EngineUnavailable, errors.ServerUnreachable)
RAISED = set(errors.Molmo2Error.__subclasses__()) - set(RETRIED)


@pytest.mark.parametrize("error", RETRIED)
def test_what_may_pass_by_itself_is_tried_again(error):
    assert worth_retrying(error("busy")) is True


@pytest.mark.parametrize("error", sorted(RAISED, key=str))
def test_everything_else_is_raised_at_once(error):
    assert worth_retrying(error("no", retry_after=1)) is False


def test_the_wait_that_the_server_asks_for_is_kept_and_spread():
    waits = {worth_retrying(errors.Overloaded("busy", retry_after=3)) for _ in range(50)}
    assert all(3 <= wait <= 3 + limits.RETRY_JITTER for wait in waits)
    assert len(waits) > 1


def test_a_wait_of_nothing_is_not_taken_for_no_retry():
    wait = worth_retrying(errors.Overloaded("busy", retry_after=0))
    assert wait is not False
    assert isinstance(wait, float)


def test_a_server_that_asks_for_too_long_a_wait_is_not_waited_for():
    assert (
        worth_retrying(errors.Overloaded("busy", retry_after=limits.MAX_RETRY_AFTER + 1)) is False
    )


def test_retries_are_attempts_after_the_first():
    assert patience(Settings.load(retries=0), 5)["attempts"] == 1
    assert patience(Settings.load(retries=3), 5)["attempts"] == 4
    assert patience(Settings.load(retries=3), 5)["timeout"] == 5


def test_with_a_time_to_ask_again_neither_retries_nor_the_timeout_bound_it():
    patient = patience(Settings.load(retry_for=600), 5)
    assert (patient["attempts"], patient["timeout"]) == (None, None)


def test_the_time_to_ask_again_counts_from_the_first_refusal(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("molmo2_client.retry.time.monotonic", lambda: now[0])
    worth = judge(Settings.load(retry_for=600))
    now[0] += 300  # the first try's own
    answers = []
    for later in (0, 599, 2):
        now[0] += later
        answers.append(worth(errors.ServerUnreachable("no connection")))
    assert answers == [True, True, False]


def test_a_long_wait_that_the_server_asks_for_is_kept_if_the_time_to_ask_again_is_longer():
    busy = errors.Overloaded("busy", retry_after=limits.MAX_RETRY_AFTER + 1)
    assert judge(Settings.load(retry_for=600))(busy) >= limits.MAX_RETRY_AFTER + 1
    assert judge(Settings.load(retry_for=30))(busy) is False


def test_what_will_not_pass_is_raised_at_once_whatever_the_time_to_ask_again():
    assert judge(Settings.load(retry_for=600))(errors.VideoUnreadable("no video")) is False


def test_a_worker_that_ends_at_a_request_costs_one_more_and_not_a_third():
    deaths = Deaths()
    with pytest.raises(errors.WorkerDied), deaths.counted():
        raise errors.WorkerDied("killed")
    with pytest.raises(errors.VideoUnreadable, match="2 workers"), deaths.counted():
        raise errors.WorkerDied("killed")


def test_a_dead_worker_is_worth_another_try_and_other_errors_are_not_its():
    assert worth_retrying(errors.WorkerDied("killed")) is True
    deaths = Deaths()
    for _ in range(3):
        with pytest.raises(errors.Overloaded), deaths.counted():
            raise errors.Overloaded("busy")
    with pytest.raises(errors.WorkerDied), deaths.counted():
        raise errors.WorkerDied("killed")
