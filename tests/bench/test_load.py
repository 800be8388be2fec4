"""A load is accounted for whole, and its latencies count from when requests were due."""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

from arrivals import closed_loop, open_loop
from load import compared
from load_outcomes import ANSWERED, LOST, Outcome, percentile, summary, table

BENCH = Path(__file__).parents[2] / "bench"
OUTCOMES = [
    *(Outcome("pointing", "http", ANSWERED, seconds / 100, 0.01) for seconds in range(1, 101)),
    Outcome("embed", "grpc", "overloaded", 0.002),
    Outcome("embed", "grpc", LOST, 0.002),
]


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed():
    values = [seconds / 100 for seconds in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [0.5, 0.95, 0.99, 1.0]
    assert percentile([7.0], 0.01) == 7.0


def test_every_request_is_answered_a_typed_error_or_lost():
    told = summary(OUTCOMES, seconds=50.0)
    assert (told["requests"], told["answered"], told["typed_errors"], told["lost"]) == (
        102,
        100,
        1,
        1,
    )
    assert told["answered_per_second"] == 2.0
    assert (told["p50_ms"], told["p95_ms"], told["p99_ms"]) == (500.0, 950.0, 990.0)
    assert told["first_token_p50_ms"] == 10.0


def test_the_table_has_a_line_for_each_operation_and_says_which_errors_there_were():
    _, embed, pointing, together, *kinds = table(OUTCOMES).splitlines()
    assert embed.split()[:5] == ["embed", "2", "0", "1", "1"]
    assert "–" in embed
    assert pointing.split()[:3] == ["pointing", "100", "100"]
    assert together.split()[:3] == ["all", "102", "100"]
    assert kinds == ["1 x overloaded", "1 x lost"]


def test_in_a_closed_loop_there_are_never_more_requests_than_users():
    running, most = 0, 0

    async def ask(due: float) -> float:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return due

    assert asyncio.run(closed_loop(ask, users=3, seconds=0.1))
    assert most == 3


def test_an_open_loop_asks_on_while_nothing_is_answered():
    answer = asyncio.Event()
    asked: list[float] = []

    async def ask(due: float) -> float:
        asked.append(due)
        if len(asked) == 20:
            answer.set()
        await answer.wait()
        return due

    found = asyncio.run(open_loop(ask, rate=500.0, seconds=0.5, chance=random.Random(0)))
    assert len(found) == len(asked) >= 20


def test_a_request_that_is_sent_late_counts_from_when_it_was_due():
    late: list[float] = []

    async def ask(due: float) -> None:
        late.append(time.monotonic() - due)
        time.sleep(0.02)  # holds up the loop, so that those after it are sent late

    asyncio.run(open_loop(ask, rate=200.0, seconds=0.2, chance=random.Random(0)))
    assert max(late) > 0.02


def test_its_help_teaches_both_kinds_of_load():
    told = subprocess.run(
        [sys.executable, "load.py", "--help"], cwd=BENCH, capture_output=True, text=True, check=True
    ).stdout
    assert "Closed loops find the throughput" in told
    assert "latency counts from when a request was due" in told


def test_loads_are_compared_line_by_line():
    told = [
        {"workers": n, "users": n, "answered_per_second": 1.5 * n, "p50_ms": 9.0, "p95_ms": None}
        for n in (1, 8)
    ]
    head, one, eight = compared(told).splitlines()
    assert head.split() == ["workers", "users", "answered_per_second", "p50_ms", "p95_ms"]
    assert one.split() == ["1", "1", "1.5", "9.0", "None"]
    assert eight.split() == ["8", "8", "12.0", "9.0", "None"]
