"""What the lab's story waits for, and what its callers keep, without a cluster."""

import time
from types import SimpleNamespace

import pytest
from lab.callers import callers
from lab.metrics_adapter import Look
from lab.processes import free_port
from lab.story import shared
from stamina.instrumentation import get_on_retry_hooks


def looked(*values):
    """A cluster as an autoscaler last saw it."""
    pods = {f"pod-{number}": value for number, value in enumerate(values)}
    looks = [Look(0, {}, 0), Look(1, pods, len(pods))]
    return SimpleNamespace(adapter=SimpleNamespace(looks=looks))


@pytest.mark.parametrize(
    ("values", "enough"),
    [((0.5, 0.75, 1.25), True), ((0.25, 0.75, 1.5), False), ((2.5, 0.0, 0.0), False), ((), False)],
)
def test_each_pod_has_its_share_with_half_of_what_is_fair(values, enough):
    assert shared(looked(*values), fair=0.83) is enough


def test_why_a_request_was_tried_again_is_kept_beside_how_it_ended():
    before = get_on_retry_hooks()
    nowhere = f"http://127.0.0.1:{free_port()}"
    with callers(nowhere, "a-token", retry_for=0.1, videos_port=1) as asking:
        asking.become(1)
        until = time.monotonic() + 60
        while not asking.requests:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert asking.requests[0].error.startswith("engine_unavailable")
    assert asking.requests[0].tried_again == ["ServerUnreachable"]
    assert get_on_retry_hooks() == before
