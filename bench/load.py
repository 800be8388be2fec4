"""A mixed load of the six operations over HTTP and gRPC, and how a server bears it.

Every request asks one operation about one video, both drawn at random; half of them are streamed.
Before the first load each video is asked about once, so that its prefix is held: what is measured
is the serving. With --new every request samples its video anew and pays decoding and prefill.

    make bench-load                                        a server of its own, with the demo model
    make bench-load LOAD="--users 1 2 4 8"                 closed loops: so many callers at a time
    make bench-load LOAD="--rate 2 4 6"                    open loops: so many requests a second
    make bench-load LOAD="--workers 1 2 4 8"               a server for each, with as many callers
    make bench-load LOAD="--url http://host:8080 --grpc grpc://host:7070 --key-file key_file.json \\
        --model molmo2-4b --videos clips --prompt 'left hand' --users 16"

Closed loops find the throughput: raise the callers until answers a second rise no more. Open loops
find what users will see: latency counts from when a request was due, at a rate that does not wait
for the server. Where answers a second stay below the rate, the rest queues or is overloaded.

The last line is one JSON object: a list of the loads, each with what the table's last line says.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arrivals import closed_loop, open_loop
from load_outcomes import summary, table
from mixed_load import MixedLoad
from processes import cpu_seconds
from staged_server import WORKERS, staged_server

from molmo2_client import AsyncMolmo2
from molmo2_client.serving import RunningServer
from molmo2_contract.operations import Operation
from molmo2_demo.generate import generate, operations

_VARIED = ("workers", "users", "rate")
_TOLD = ("answered_per_second", "p50_ms", "p95_ms", "typed_errors")


@dataclass(frozen=True)
class Target:
    """Where the load goes, and what is asked of which video."""

    clients: dict[str, dict[str, Any]]
    """By transport, the arguments of its client."""
    questions: list[tuple[Path, list[Operation]]]
    server: RunningServer | None = None
    """If it is our own: then its CPU is counted."""

    def cpu(self) -> dict[str, float]:
        return {} if self.server is None else cpu_seconds(self.server)


def main() -> None:
    given = arguments()
    told = []
    for workers in given.workers:
        with target(given, workers) as aim:
            loads = asyncio.run(run(aim, given, workers))
        told += [{"workers": workers, **load} for load in loads] if aim.server else loads
    if len(told) > 1:
        print(f"\n{compared(told)}")
    print(json.dumps(told))


def compared(loads: list[dict[str, float | None]]) -> str:
    """A line for each load."""
    columns = [name for name in (*_VARIED, *_TOLD) if name in loads[0]]
    lines = [[f"{load.get(name)}" for name in columns] for load in loads]
    return "\n".join(" ".join(f"{cell:>20}" for cell in line) for line in [columns, *lines])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    loads = parser.add_argument_group("loads, one after the other")
    loads.add_argument("--users", type=int, nargs="+", help="callers at a time (the workers)")
    loads.add_argument("--rate", type=float, nargs="+", help="requests a second")
    loads.add_argument("--seconds", type=float, default=30.0, help="of each load (30)")
    loads.add_argument("--new", action="store_true", help="every request samples its video anew")
    there = parser.add_argument_group("a server that runs already; its token from MOLMO2_TOKEN")
    there.add_argument("--url", help="of HTTP, e.g. http://127.0.0.1:8080")
    there.add_argument("--grpc", help="of gRPC, e.g. grpc://127.0.0.1:7070")
    there.add_argument("--key-file", type=Path, help="TorchServe's key_file.json, for the token")
    there.add_argument("--model", default="molmo2-demo", help="name of its archive (molmo2-demo)")
    there.add_argument("--media", choices=("upload", "path"), help="how videos get there (upload)")
    there.add_argument("--timeout", type=float, default=120.0, help="seconds it is given (120)")
    there.add_argument("--retries", type=int, default=0, help="of what it refuses (0)")
    own = parser.add_argument_group("a server of its own, where none is named")
    own.add_argument(
        "--workers", type=int, nargs="+", default=[WORKERS], help=f"of each server ({WORKERS})"
    )
    own.add_argument("--queue", type=int, default=8, help="requests that may wait for one (8)")
    videos = parser.add_argument_group("videos")
    videos.add_argument("--videos", type=Path, help="a folder of them; default: rendered ones")
    videos.add_argument("--prompt", default="shapes", help="what to point to and track (shapes)")
    videos.add_argument("--count", type=int, default=8, help="how many are rendered (8)")
    return parser.parse_args()


@contextmanager
def target(given: argparse.Namespace, workers: int) -> Iterator[Target]:
    """The server that is named, or one of its own."""
    with tempfile.TemporaryDirectory(prefix="molmo2-") as folder:
        questions = asked(given, Path(folder, "videos"))
        common = {"model": given.model, "timeout": given.timeout, "retries": given.retries}
        if given.url or given.grpc:
            common |= {"key_file": given.key_file, "media": given.media}
            urls = {"http": given.url, "grpc": given.grpc}
            yield Target({k: {"url": url, **common} for k, url in urls.items() if url}, questions)
            return
        with staged_server(Path(folder), workers, given.queue) as server:
            common |= {"key_file": server.key_file, "media": "upload" if given.videos else "path"}
            urls = {"http": server.http_url, "grpc": server.grpc_url}
            yield Target({k: {"url": url, **common} for k, url in urls.items()}, questions, server)


def asked(given: argparse.Namespace, folder: Path) -> list[tuple[Path, list[Operation]]]:
    """Each video with the six operations."""
    if given.videos:
        found = sorted(path for path in given.videos.iterdir() if path.is_file())
        return [(path, operations(given.prompt)) for path in found]
    return [(each.path, each.truth.operations) for each in generate(folder, given.count, seed=5)]


async def run(
    aim: Target, given: argparse.Namespace, workers: int
) -> list[dict[str, float | None]]:
    """Every load in turn; a table of each is printed."""
    loads = [("users", users) for users in given.users or ()]
    loads += [("rate", rate) for rate in given.rate or ()]
    async with AsyncExitStack() as stack:
        clients = {
            transport: await stack.enter_async_context(AsyncMolmo2(**settings))
            for transport, settings in aim.clients.items()
        }
        load = MixedLoad(clients, aim.questions, new=given.new)
        await load.hold()
        return [
            await one(aim, load, *each, given.seconds) for each in loads or [("users", workers)]
        ]


async def one(
    aim: Target, load: MixedLoad, kind: str, amount: float, seconds: float
) -> dict[str, float | None]:
    began, mine, cpu = time.monotonic(), time.process_time(), aim.cpu()
    if kind == "users":
        outcomes = await closed_loop(load.ask, int(amount), seconds)
    else:
        outcomes = await open_loop(load.ask, amount, seconds, load.chance)
    took = time.monotonic() - began
    told = summary(outcomes, took)
    print(
        f"\n{kind} {amount:g}: {told['answered_per_second']:.1f} answers a second in {took:.0f} s"
    )
    print(table(outcomes))
    spent = {name: 1000 * (seconds - cpu[name]) for name, seconds in aim.cpu().items()}
    spent["this load"] = 1000 * (time.process_time() - mine)
    each = ", ".join(f"{name} {ms / len(outcomes):.1f}" for name, ms in spent.items())
    print(f"CPU ms a request: {each}", flush=True)
    return {kind: amount, **told}


if __name__ == "__main__":
    main()
