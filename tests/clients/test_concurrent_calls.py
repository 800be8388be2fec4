"""Concurrent calls: how many at once, what comes back, and what an interruption leaves."""

import _thread
import itertools
import threading

import pytest

from molmo2_client.concurrent_calls import ConcurrentCalls


def run(function, tasks, concurrency):
    with ConcurrentCalls(function, tasks, concurrency=concurrency) as calls:
        return {call.task: call for call in calls}


def wait_for_the_threads():
    for thread in threading.enumerate():
        if thread.name == "molmo2-ask":
            thread.join(60)


def test_every_task_comes_back_with_its_answer_or_its_error():
    def reciprocal(number):
        return 1 / number

    calls = run(reciprocal, range(20), 4)

    assert [calls[n].answer for n in range(1, 20)] == [1 / n for n in range(1, 20)]
    assert isinstance(calls[0].error, ZeroDivisionError)
    assert calls[0].answer is None


def test_as_many_calls_run_at_once_as_asked_and_no_more():
    running = itertools.count(1)
    full = threading.Barrier(3, timeout=60)
    lock, now, most = threading.Lock(), 0, 0

    def call(task):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        full.wait()  # passes only when three calls are here together
        with lock:
            now -= 1
        return next(running)

    run(call, range(9), 3)

    assert most == 3


def test_tasks_are_taken_as_they_are_needed():
    taken = []

    def tasks():
        for task in range(1000):
            taken.append(task)
            yield task

    with ConcurrentCalls(str, tasks(), concurrency=2) as calls:
        next(iter(calls))
        assert len(taken) <= 5  # twice the concurrency ahead of the one that came back


def test_an_interrupted_loop_can_still_have_what_came_back():
    third_begins, release = threading.Event(), threading.Event()

    def call(task):
        if task == 2:
            third_begins.set()
            release.wait(60)
        return task

    def loop():
        with calls:
            for _ in calls:
                assert third_begins.wait(60)  # so 0 and 1 have come back
                raise KeyboardInterrupt

    calls = ConcurrentCalls(call, range(6), concurrency=1)
    with pytest.raises(KeyboardInterrupt):
        loop()

    assert [each.task for each in calls.returned()] == [0, 1]  # 0 was interrupted
    release.set()


@pytest.mark.parametrize("interrupted_at", range(100, 400, 15))
def test_wherever_ctrl_c_falls_no_answer_is_lost(interrupted_at):
    answered, stored = set(), set()

    def call(task):
        answered.add(task)
        if task == interrupted_at:
            _thread.interrupt_main()  # the signal of Ctrl-C, while answers come in
        return task

    def loop():
        with calls:
            for each in calls:
                stored.add(each.task)

    calls = ConcurrentCalls(call, itertools.count(), concurrency=2)
    with pytest.raises(KeyboardInterrupt):
        loop()
    wait_for_the_threads()

    assert answered == stored | {each.task for each in calls.returned()}


def test_leaving_early_forgets_what_has_not_begun():
    begun = []
    first_is_done = threading.Event()

    def call(task):
        begun.append(task)
        first_is_done.wait(60)
        return task

    with ConcurrentCalls(call, range(100), concurrency=2) as calls:
        pass
    first_is_done.set()
    wait_for_the_threads()

    assert len(begun) <= 2
    assert {each.task for each in calls.returned()} == set(begun)


def test_no_tasks_need_no_threads():
    assert run(str, [], 4) == {}
