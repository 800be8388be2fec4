"""Minutes of mixed load with a random fault every 20 s: is every request accounted for?

Four callers ask the demo model about videos of their own, over HTTP and gRPC, with paths and
uploads, streamed and not, all six operations, with the client's ordinary retries. Meanwhile the
faults of faults.py strike. A request is answered, every operation of it as it was before the first
fault, or its caller gets an error of the contract; what is neither is lost, an answer under another
request's id is a duplicate, and one that says something else is wrong.

Memory (proportional set size) and open files of the JVM, the workers and the engine are sampled
every 5 s; the slope is Theil and Sen's, the median of all pairs' slopes, over what they hold
together, and leaves out the first third. The table tells each one's, with the spread between
quartiles: processes that are killed and replaced hold less at first. A run of 10 minutes or more
also fails where memory or open files grew by more than that spread.

    make soak MINUTES=3

The last line is one JSON object.
"""

import argparse
import json
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

from faults import FAULTS
from growth import Growth
from processes import Held, holdings
from soak_account import Account, Answer
from staged_server import PLACES, WORKERS, staged_server

from molmo2_client import Done, Molmo2, OperationDone
from molmo2_client.serving import RunningServer
from molmo2_contract.results import Result
from molmo2_demo.generate import generate

WAYS = [(transport, media) for media in ("path", "upload") for transport in ("http", "grpc")]
"""Of each caller."""
QUESTIONS: list[list[dict[str, Any]]] = [
    [{"operation": "describe", "prompt": "What happens in this video?"}, {"operation": "embed"}],
    [{"operation": "pointing", "prompt": "shapes"}, {"operation": "tracking", "prompt": "shapes"}],
    [{"operation": "temporal_localization"}, {"operation": "comprehensive"}],
]
TOKENS = 64
"""The longest answer."""
JUDGED_FROM = 10
"""Minutes of a run that may fail by its growth: in a shorter one the JVM still settles."""
SLACK_OF_MEMORY, SLACK_FILES = 0.1, 10
"""Growth that fails no run, however little the values spread: a part of the median, which moves by
so much with the engines that were killed lately; and files."""


@dataclass(frozen=True)
class Caller:
    """Asks about one video in one way; ``truths`` is what was answered while nothing was wrong."""

    client: Molmo2
    video: Path
    truths: list[list[Result]]

    @classmethod
    def of(cls, server: RunningServer, transport: str, media: str, video: Path) -> "Caller":
        url = server.http_url if transport == "http" else server.grpc_url
        given = {"model": "molmo2-demo", "key_file": server.key_file, "timeout": 60}
        client = Molmo2(url, media=media, **given)
        return cls(
            client, video, [client.ask(video, bounded(asked)).results for asked in QUESTIONS]
        )

    def call(self, account: Account, stop: Event) -> None:
        """One request after another, every other one streamed."""
        with self.client:
            for turn in count():
                if stop.is_set():
                    return
                asked, request_id = turn // 2 % len(QUESTIONS), uuid.uuid4().hex
                ask = self._streamed if turn % 2 else self._plain
                operations = bounded(QUESTIONS[asked])
                account.request(
                    request_id, self.truths[asked], partial(ask, operations, request_id)
                )

    def _plain(self, operations: list[dict[str, Any]], request_id: str) -> Answer:
        response = self.client.ask(self.video, operations, request_id=request_id)
        return Answer([response.request_id], response.results)

    def _streamed(self, operations: list[dict[str, Any]], request_id: str) -> Answer:
        events = list(self.client.stream(self.video, operations, request_id=request_id))
        ended = {each.index: each.result for each in events if isinstance(each, OperationDone)}
        ids = [each.request_id for each in events if isinstance(each, Done)]
        return Answer(ids, [ended[index] for index in sorted(ended)])


def bounded(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        each if each["operation"] == "embed" else {**each, "max_new_tokens": TOKENS}
        for each in operations
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seconds-between-faults", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="molmo2-") as folder:
        videos = [video.path for video in generate(Path(folder, "videos"), len(WAYS), seed=5)]
        with staged_server(Path(folder), WORKERS, PLACES) as server:
            found = soak(server, videos, given)
    print(json.dumps(found))
    judged = given.minutes >= JUDGED_FROM and not found["flat"]
    sys.exit(bool(found["lost"] or found["duplicated"] or found["wrong"] or judged))


def soak(server: RunningServer, videos: list[Path], given: argparse.Namespace) -> dict[str, Any]:
    callers = [Caller.of(server, *way, video) for way, video in zip(WAYS, videos, strict=True)]
    account, stop, samples, struck = Account(), Event(), [], Counter()
    chance, began = random.Random(given.seed), time.monotonic()
    with ThreadPoolExecutor(len(callers)) as pool:
        asking = [pool.submit(caller.call, account, stop) for caller in callers]
        next_fault = given.seconds_between_faults
        while (now := time.monotonic() - began) < 60 * given.minutes:
            server.beside.keep()  # as `molmo2 serve` does
            if now >= next_fault:
                next_fault += given.seconds_between_faults
                name = chance.choice(sorted(FAULTS))
                FAULTS[name](server, videos[0])
                struck[name] += 1
                print(f"{now:6.0f} s  {name:46} {dict(account.counts)}", flush=True)
            samples.append((now, holdings(server)))
            stop.wait(5)
        stop.set()
        for caller in asking:
            caller.result()
    print(f"faults {dict(struck)}")
    for kind, times in account.kinds.items():
        print(f"{times} x {kind}, at first: {account.said[kind]}")
    names = ("answered", "typed_errors", "lost", "duplicated", "wrong")
    return {
        "requests": account.counts.total(),
        **{name: account.counts[name] for name in names},
        **grown(samples[len(samples) // 3 :]),
    }


def grown(samples: list[tuple[float, dict[str, Held]]]) -> dict[str, float | bool]:
    """Of what is held together; prints the same of each."""
    times = [at for at, _ in samples]
    parts = {kind: [held[kind] for _, held in samples] for kind in samples[0][1]}
    parts["together"] = [sum(held.values(), Held()) for _, held in samples]
    print(f"{'':8} {'MB, median':>11} {'spread':>7} {'an hour':>8} {'files':>11} {'an hour':>8}")
    for kind, held in parts.items():
        memory = Growth.of(times, [each.memory for each in held])
        files = Growth.of(times, [each.files for each in held])
        bounds = f"{min(each.files for each in held)} to {max(each.files for each in held)}"
        print(
            f"{kind:8} {memory.median:11.0f} {memory.spread:7.0f} {memory.per_hour:+8.0f} "
            f"{bounds:>11} {files.per_hour:+8.0f}"
        )
    return {  # of the last, what is held together
        "memory_slope_mb_per_hour": round(memory.per_hour, 1),
        "memory_mb": round(memory.median),
        "files_slope_per_hour": round(files.per_hour, 1),
        "flat": memory.is_flat(SLACK_OF_MEMORY * memory.median) and files.is_flat(SLACK_FILES),
    }


if __name__ == "__main__":
    main()
