import pytest

from molmo2_client import errors, limits
from molmo2_client.retry import patience, worth_retrying

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
    assert patience(0, 5)["attempts"] == 1
    assert patience(3, 5)["attempts"] == 4
