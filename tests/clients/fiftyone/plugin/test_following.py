"""A long call whose steps are followed."""

from queue import SimpleQueue
from threading import Event

import pytest

from molmo2_client.fiftyone.plugin.following import Left, follow


def all_of(following):
    steps = []
    while True:
        try:
            steps.append(next(following))
        except StopIteration as end:
            return steps, end.value


def test_steps_come_in_order_and_the_result_last():
    def call(tell):
        for step in (1, 2, 3):
            tell(step)
        return "done"

    assert all_of(follow(call)) == ([1, 2, 3], "done")


def test_what_the_call_raises_comes_after_its_steps():
    def call(tell):
        tell("one")
        raise ValueError("no")

    following = follow(call)

    assert next(following) == "one"
    with pytest.raises(ValueError, match="no"):
        next(following)


def test_a_call_that_nobody_follows_any_more_ends_at_its_next_step():
    closed, ended = Event(), SimpleQueue()

    def call(tell):
        try:
            tell("one")
            closed.wait()
            tell("two")
        except BaseException as error:
            ended.put(type(error))
            raise

    following = follow(call)
    next(following)
    following.close()
    closed.set()

    assert ended.get(timeout=30) is Left
