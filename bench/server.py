"""What TorchServe costs beside the engine, and what overload does.

The demo model on a real TorchServe, one video that the engine holds. First the time of a request
beyond what the engine says that it took, over HTTP and over gRPC, and the floor: the time of one
that the handler refuses before it does anything. Then as many callers as there are workers, through
TorchServe over HTTP and at the engine's own socket in turns, with the six operations in each
request, and with one short one, where the way there and back weighs most. Then four times as many
callers, of whom some wait and the others are refused.

    make bench-server

The last line is one JSON object.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from held_video import HeldVideo, ask_engine, held_video
from staged_server import staged_server

from molmo2_client import Molmo2, Molmo2Error, Overloaded, VideoForbidden
from molmo2_client.serving import RunningServer
from molmo2_contract.operations import Describe, Operation
from molmo2_demo.generate import DemoVideo, generate

DESCRIBE = Describe(prompt="What happens in this video?", max_new_tokens=16)
REFUSED_WAIT = 0.05
"""Seconds until a caller who was refused asks again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--queue", type=int, default=2, help="requests that may wait for a worker")
    parser.add_argument("--requests", type=int, default=60, help="of each overhead")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=2, help="of each throughput")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="molmo2-") as folder:
        (video,) = generate(Path(folder, "videos"), 1, seed=5)
        with staged_server(Path(folder), arguments.workers, arguments.queue) as server:
            found = measure(server, video, arguments)
    print("\n".join(f"{name:22} {value:8.2f}" for name, value in found.items()))
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


def measure(server: RunningServer, video: DemoVideo, given: argparse.Namespace) -> dict[str, float]:
    found = {}
    for transport in ("http", "grpc"):
        found[f"{transport}_overhead_ms"] = overhead(server, transport, video.path, given.requests)
        print(f"{transport} floor {floor(server, transport, given.requests):20.2f} ms")
    with client(server, "http") as asking, held_video(server, video.path) as held:
        found["throughput_ratio"] = throughput(asking, held, video.truth.operations, given)
        print(f"throughput of short requests {throughput(asking, held, [DESCRIBE], given):5.2f}")
        short = partial(ask, asking, video.path, [DESCRIBE])
        alone = load(short, given.workers, given.seconds)
        crowd = load(short, 4 * given.workers, given.seconds)
    found["overload_p95_ratio"] = p95(crowd["answered"]) / p95(alone["answered"])
    found["reject_ms"] = 1000 * p95(crowd["overloaded"])
    return found


def throughput(
    asking: Molmo2, held: HeldVideo, operations: Sequence[Operation], given: argparse.Namespace
) -> float:
    """Requests a second through TorchServe over those at the engine, each with ``operations``.

    So many callers get as many answers a second as fit into a caller's mean time for one.
    """
    through = partial(ask, asking, held.path, operations)
    direct = partial(ask_engine, held, operations)
    rounds = [
        [
            statistics.mean(load(each, given.workers, given.seconds)["answered"])
            for each in (through, direct)
        ]
        for _ in range(given.rounds)
    ]
    return statistics.mean(at_engine / here for here, at_engine in rounds)


@contextmanager
def client(server: RunningServer, transport: str) -> Iterator[Molmo2]:
    url = server.http_url if transport == "http" else server.grpc_url
    given = {"model": "molmo2-demo", "key_file": server.key_file, "media": "path", "retries": 0}
    with Molmo2(url, **given) as asking:
        yield asking


def overhead(server: RunningServer, transport: str, video: Path, count: int) -> float:
    """Median milliseconds of a request, less what the engine took for it."""
    beyond = []
    with client(server, transport) as asking:
        for number in range(count + 10):
            began = time.perf_counter()
            (result,) = asking.ask(video, [DESCRIBE]).results
            seconds = time.perf_counter() - began
            spent = result.timing.queued + result.timing.prefill + result.timing.decode
            if number >= 10:  # the first open connections and fill caches
                beyond.append(1000 * (seconds - spent))
    return statistics.median(beyond)


def floor(server: RunningServer, transport: str, count: int) -> float:
    """Median milliseconds of a request about a video that no caller may name."""
    seconds = []
    with client(server, transport) as asking:
        for _ in range(count):
            began = time.perf_counter()
            with suppress(VideoForbidden):
                asking.ask("file:///not/served.mp4", [DESCRIBE])
                raise SystemExit("a video outside the allowed folders was answered about")
            seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


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
