"""What large bodies cost the front end: resident memory of the JVM while so many come at once.

    make bench-uploads
    python bench/uploads.py --megabytes 32 --at-once 8 16

They are no videos, so that nothing but their way to a worker counts; over HTTP, then over gRPC, on
one server, whose memory does not shrink between the loads. The last line is one JSON object.
"""

import argparse
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import psutil
from processes import processes
from staged_server import PLACES, WORKERS, staged_server

from molmo2_client import Molmo2, Molmo2Error, VideoUnreadable
from molmo2_client.serving import RunningServer

SHORT = [{"operation": "embed"}]
RETRIES = 20
"""Of those for whom the queue is full."""


class Peak(Thread):
    """Most resident memory of a process, in MB, while the block lasts."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._ended = Event()
        self.megabytes = 0.0

    def run(self) -> None:
        while not self._ended.wait(0.02):
            self.megabytes = max(self.megabytes, self._process.memory_info().rss / 2**20)

    def __enter__(self) -> "Peak":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=120, help="MiB of each body")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2, 4, 8])
    given = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory(prefix="molmo2-") as folder:
        Path(folder, "videos").mkdir()
        with staged_server(Path(folder), WORKERS, PLACES) as server:
            (jvm,) = (p for p, said in processes(server) if p.name() == "java")
            for transport in ("http", "grpc"):
                for count in given.at_once:
                    began = time.monotonic()
                    with Peak(jvm) as peak:
                        send(server, transport, bytes(given.megabytes * 2**20), count)
                    took = time.monotonic() - began
                    found[f"{transport} {count}"] = round(peak.megabytes)
                    print(f"{transport}, {count} at once: {peak.megabytes:.0f} MB, {took:.1f} s")
    print(json.dumps(found))


def send(server: RunningServer, transport: str, body: bytes, count: int) -> None:
    """All must be read to their end, and told that they are no videos."""
    url = server.http_url if transport == "http" else server.grpc_url
    given = {"model": "molmo2-demo", "key_file": server.key_file, "timeout": 300}

    def one(_: int) -> None:
        with Molmo2(url, max_upload_bytes=len(body), retries=RETRIES, **given) as client:
            try:
                client.ask(body, SHORT)
            except VideoUnreadable:
                return
            except Molmo2Error as error:
                raise SystemExit(f"{error.kind}: {error}") from None

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(one, range(count)))


if __name__ == "__main__":
    main()
