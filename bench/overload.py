"""Four times as many callers as a server has workers: how long the accepted wait, by its queue.

As many callers as workers ask one short question again and again, then four times as many, of whom
the server accepts some and refuses the others at once; over HTTP, then over gRPC.

    python bench/overload.py --queues 1 3 5 10 --workers 5

The last line is one JSON object.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from staged_server import PLACES, WORKERS, staged_server

from molmo2_client import Molmo2, Molmo2Error, Overloaded
from molmo2_client.serving import RunningServer
from molmo2_contract.operations import Describe, Operation
from molmo2_demo.generate import generate

DESCRIBE = Describe(prompt="What happens in this video?", max_new_tokens=16)
REFUSED_WAIT = 0.05
"""Seconds until a caller who was refused asks again."""
TIMES = 4
"""As many callers as workers, so often."""


@dataclass(frozen=True)
class Overload:
    """What callers of one transport see at the server's capacity, and beyond."""

    alone: list[float]
    """Seconds of each request of as many callers as there are workers."""
    accepted: list[float]
    """Of those that were answered in the crowd."""
    refused: list[float]

    @property
    def p95_ratio(self) -> float:
        return p95(self.accepted) / p95(self.alone)

    def __str__(self) -> str:
        shown = [
            f"{name} p50 {1000 * statistics.median(taken):.0f}, p95 {1000 * p95(taken):.0f}, "
            f"longest {1000 * max(taken):.0f} ms"
            for name, taken in vars(self).items()
        ]
        return f"{'; '.join(shown)}; ratio of p95 {self.p95_ratio:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--queues", type=int, nargs="+", default=[PLACES])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each load")
    given = parser.parse_args()
    found = {}
    for queue in given.queues:
        with tempfile.TemporaryDirectory(prefix="molmo2-") as folder:
            (video,) = generate(Path(folder, "videos"), 1, seed=5)
            with staged_server(Path(folder), given.workers, queue) as server:
                seen = overload(server, video.path, given.workers, given.seconds)
        for transport, each in seen.items():
            print(f"queue {queue}, {transport}: {each}", flush=True)
        found[queue] = round(max(each.p95_ratio for each in seen.values()), 2)
    print(json.dumps(found))


def overload(
    server: RunningServer, video: Path, workers: int, seconds: float
) -> dict[str, Overload]:
    """By transport; each load lasts ``seconds``."""
    found = {}
    for transport in ("http", "grpc"):
        with client(server, transport) as asking:
            short = partial(ask, asking, video, [DESCRIBE])
            load(short, workers, 1.0)  # the first open connections and fill caches
            alone = load(short, workers, seconds)
            crowd = load(short, TIMES * workers, seconds)
        found[transport] = Overload(alone["answered"], crowd["answered"], crowd["overloaded"])
    return found


@contextmanager
def client(server: RunningServer, transport: str) -> Iterator[Molmo2]:
    url = server.http_url if transport == "http" else server.grpc_url
    given = {"model": "molmo2-demo", "key_file": server.key_file, "media": "path", "retries": 0}
    with Molmo2(url, **given) as asking:
        yield asking


def ask(asking: Molmo2, video: Path, operations: Sequence[Operation]) -> str:
    try:
        results = asking.ask(video, operations).results
    except Overloaded:
        return "overloaded"
    except Molmo2Error as error:
        raise SystemExit(f"{error.kind}: {error}") from None
    assert all(result.error is None for result in results), results
    return "answered"


def load(request: Callable[[], str], callers: int, seconds: float) -> dict[str, list[float]]:
    """Seconds of each request of callers who ask again and again, by what came of it."""
    taken: dict[str, list[float]] = {"answered": [], "overloaded": []}
    until = time.monotonic() + seconds

    def call(_: int) -> None:
        while (began := time.monotonic()) < until:
            outcome = request()
            taken[outcome].append(time.monotonic() - began)
            if outcome == "overloaded":
                time.sleep(REFUSED_WAIT)

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, range(callers)))
    return taken


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


if __name__ == "__main__":
    main()
