"""A process of the engine without one of its threads."""

import subprocess
import sys

from molmo2_engine.lost_threads import EXIT_STATUS


def run(threads: str) -> "subprocess.CompletedProcess[str]":
    lines = (
        "import threading, time",
        "from molmo2_engine.lost_threads import end_with_lost_threads",
        "end_with_lost_threads()",
        threads,
        "time.sleep(2)",
        "print('lives')",
    )
    script = "\n".join(lines)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )


def test_a_thread_that_ends_of_an_exception_takes_the_process_with_it():
    ended = run("threading.Thread(target=[].pop, name='ears').start()")
    assert ended.returncode == EXIT_STATUS
    assert "thread ears has ended" in ended.stderr
    assert "pop from empty list" in ended.stderr


def test_a_thread_that_ends_by_itself_does_not():
    assert run("threading.Thread(target=print).start()").stdout.split() == ["lives"]
