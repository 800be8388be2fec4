"""Minutes of mixed load with a random fault every 20 s: is every request accounted for?

Four callers ask the demo model over HTTP and gRPC, streamed and not, about videos of their own,
with the client's ordinary retries. Meanwhile workers and the engine are killed or stopped, a caller
lies about its call and another leaves early. A request is answered, or its caller gets an error of
the contract; what is neither is lost, and an answer under another request's id is a duplicate.
Memory (proportional set size) and open files of the JVM, the workers and the engine are sampled
every 5 s; the slope is Theil and Sen's, the median of all pairs' slopes, over what they hold
together, and leaves out the first third.

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations, count
from pathlib import Path
from threading import Event, Lock

from faults import FAULTS, holdings
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

    def add(self, outcome: str, kind: str = "") -> None:
        with self.lock:
            self.counts[outcome] += 1
            if kind:
                self.kinds[kind] += 1


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
            samples.append((now, *holdings(server)))
            stop.wait(5)
        stop.set()
        for caller in callers:
            caller.result()
    print(f"faults {dict(struck)}\nerrors {dict(tally.kinds)}")
    settled = samples[len(samples) // 3 :]
    files = slope([(at, files) for at, _, files in settled])
    print(f"open files: {settled[0][2]} to {settled[-1][2]}, {3600 * files:+.0f} an hour")
    return {
        "requests": sum(tally.counts.values()),
        **{name: tally.counts[name] for name in ("answered", "typed_errors", "lost", "duplicated")},
        "memory_slope_mb_per_hour": round(3600 * slope([(at, mb) for at, mb, _ in settled]), 1),
    }


def slope(points: list[tuple[float, float]]) -> float:
    """The median slope of all pairs of points."""
    pairs = combinations(points, 2)
    return statistics.median(
        (later[1] - first[1]) / (later[0] - first[0]) for first, later in pairs
    )


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
                tally.add("typed_errors", error.kind.value)
            except Exception as error:
                tally.add("lost", type(error).__name__)
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
