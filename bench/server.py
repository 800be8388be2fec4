"""What TorchServe costs beside the engine, and what overload does.

The demo model on a real TorchServe, one video that the engine holds. First the time of a request
beyond what the engine says that it took, over HTTP and over gRPC, and the floor: the time of one
that the handler refuses before it does anything. Then as many callers as there are workers, through
TorchServe over HTTP and at the engine's own socket in turns, with the six operations in each
request, and with one short one, where the way there and back weighs most. Then four times as many
callers, of whom some wait and the others are refused (overload.py).

    make bench-server

The last line is one JSON object.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from held_video import HeldVideo, ask_engine, held_video
from overload import DESCRIBE, ask, client, load, overload, p95
from staged_server import PLACES, WORKERS, staged_server

from molmo2_client import Molmo2, VideoForbidden
from molmo2_client.serving import RunningServer
from molmo2_contract.operations import Operation
from molmo2_demo.generate import DemoVideo, generate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--queue", type=int, default=PLACES, help="requests that may wait")
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
    crowded = overload(server, video.path, given.workers, given.seconds)
    for transport, seen in crowded.items():
        print(f"{transport}: {seen}")
    found["overload_p95_ratio"] = max(seen.p95_ratio for seen in crowded.values())
    found["reject_ms"] = 1000 * max(p95(seen.refused) for seen in crowded.values())
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


if __name__ == "__main__":
    main()
