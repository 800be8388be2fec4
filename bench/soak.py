"""Minutes of mixed load with a random fault every 20 s: is every request accounted for?

Four callers ask the demo model over HTTP and gRPC, streamed and not, about videos of their own,
with the client's ordinary retries. Meanwhile workers and the engine are killed or stopped, a caller
lies about its call and another leaves early. A request is answered, or its caller gets an error of
the contract; what is neither is lost, and an answer under another request's id is a duplicate.
Memory (proportional set size) and open files of the JVM, the workers and the engine are sampled
every 5 s; the slope is Theil and Sen's, the median of all pairs' slopes, over what they hold
together, and leaves out the first third. The table tells each one's, with the spread between
quartiles: processes that are killed and replaced hold less at first.

    make soak MINUTES=3

The last line is one JSON object.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations, count
from pathlib import Path
from threading import Event, Lock

from faults import FAULTS
from processes import Held, holdings
from staged_server import staged_server

from molmo2_client import Done, Molmo2, Molmo2Error
from molmo2_client.serving import RunningServer
from molmo2_demo.generate import generate

CALLERS = 4
WORKERS = 4
OPERATIONS = [
    {"operation": "describe", "prompt": "What happens in this video?", "max_new_tokens": 32},
    {"operation": "embed"},
]


@dataclass
class Tally:
    """What became of every request."""

    lock: Lock = field(default_factory=Lock)
    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    said: dict[str, str] = field(default_factory=dict)
    """What the first error of each kind said."""

    def add(self, outcome: str, error: Exception | None = None) -> None:
        with self.lock:
            self.counts[outcome] += 1
            if error is not None:
                kind = error.kind.value if isinstance(error, Molmo2Error) else type(error).__name__
                self.kinds[kind] += 1
                self.said.setdefault(kind, str(error))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seconds-between-faults", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="molmo2-") as folder:
        videos = [video.path for video in generate(Path(folder, "videos"), CALLERS, seed=5)]
        with staged_server(Path(folder), WORKERS, queue=8) as server:
            found = soak(server, videos, given)
    print(json.dumps(found))
    sys.exit(bool(found["lost"] or found["duplicated"]))


def soak(server: RunningServer, videos: list[Path], given: argparse.Namespace) -> dict[str, float]:
    tally, stop, samples, struck = Tally(), Event(), [], Counter()
    chance, began = random.Random(given.seed), time.monotonic()
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [
            pool.submit(call, server, number, video, tally, stop)
            for number, video in enumerate(videos)
        ]
        next_fault = given.seconds_between_faults
        while (now := time.monotonic() - began) < 60 * given.minutes:
            if now >= next_fault:
                next_fault += given.seconds_between_faults
                name = chance.choice(sorted(FAULTS))
                FAULTS[name](server, videos[0])
                struck[name] += 1
                print(f"{now:6.0f} s  {name:36} {dict(tally.counts)}", flush=True)
            samples.append((now, holdings(server)))
            stop.wait(5)
        stop.set()
        for caller in callers:
            caller.result()
    print(f"faults {dict(struck)}")
    for kind, times in tally.kinds.items():
        print(f"{times} x {kind}, at first: {tally.said[kind]}")
    return {
        "requests": sum(tally.counts.values()),
        **{name: tally.counts[name] for name in ("answered", "typed_errors", "lost", "duplicated")},
        "memory_slope_mb_per_hour": round(memory_slope(samples[len(samples) // 3 :]), 1),
    }


def memory_slope(samples: list[tuple[float, dict[str, Held]]]) -> float:
    """Megabytes an hour of what is held together; prints the same of each, and of open files."""
    times = [at for at, _ in samples]
    together = [sum(held.values(), Held()) for _, held in samples]
    parts = {kind: [held[kind] for _, held in samples] for kind in samples[0][1]}
    print(f"{'':8} {'MB, median':>11} {'spread':>7} {'an hour':>8} {'files':>11} {'an hour':>8}")
    for kind, held in {**parts, "together": together}.items():
        memory, files = [each.memory for each in held], [each.files for each in held]
        low, middle, high = statistics.quantiles(memory, n=4)
        bounds = f"{min(files)} to {max(files)}"
        print(
            f"{kind:8} {middle:11.0f} {high - low:7.0f} {slope(times, memory):+8.0f} "
            f"{bounds:>11} {slope(times, files):+8.0f}"
        )
    return slope(times, [each.memory for each in together])


def slope(times: list[float], values: Sequence[float]) -> float:
    """The median slope of all pairs of points, per hour; ``times`` are seconds."""
    pairs = combinations(zip(times, values, strict=True), 2)
    return 3600 * statistics.median((y - x) / (later - first) for (first, x), (later, y) in pairs)


def call(server: RunningServer, number: int, video: Path, tally: Tally, stop: Event) -> None:
    """One caller: HTTP or gRPC by its number, every other request streamed."""
    url = (server.http_url, server.grpc_url)[number % 2]
    given = {"model": "molmo2-demo", "key_file": server.key_file, "media": "path", "timeout": 60}
    with Molmo2(url, **given) as client:
        for turn in count():
            if stop.is_set():
                return
            request_id = uuid.uuid4().hex
            try:
                told = ask(client, video, request_id, stream=bool(turn % 2))
            except Molmo2Error as error:
                tally.add("typed_errors", error)
            except Exception as error:
                tally.add("lost", error)
            else:
                tally.add("answered" if told == [request_id] else "duplicated")


def ask(client: Molmo2, video: Path, request_id: str, stream: bool) -> list[str]:
    """The request ids of the answers that came."""
    if not stream:
        return [client.ask(video, OPERATIONS, request_id=request_id).request_id]
    events = client.stream(video, OPERATIONS, request_id=request_id)
    return [event.request_id for event in events if isinstance(event, Done)]


if __name__ == "__main__":
    main()
