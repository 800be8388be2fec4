"""A watched server that is struck by faults, with bystanders, and the table of what came of it."""

import os
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil
import pytest
import watched
from bystanders import Bystanders
from fault_table import Row, write
from holdings import Holdings

from molmo2_client import Molmo2, Molmo2Error
from molmo2_client.serving import RunningServer, running_server
from molmo2_demo.generate import generate

WORKERS = 3
CONFIG = {
    "minWorkers": WORKERS,
    "maxWorkers": WORKERS,
    "jobQueueSize": 8,
    "handler": {"worker_heartbeat_timeout": 3.5},
    "engine": {"heartbeat_timeout": 3.5, "stall_seconds": 4, "frames_per_encoding": 256},
}
LONGEST = 120.0
"""Seconds for all to be well again, on a machine with other work."""


class Blow:
    """One fault as it happens: what its own caller sees, and since when the server is not whole."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.began = time.monotonic()

    def strikes(self) -> None:
        self.began = time.monotonic()

    def ends(self, victim: str) -> None:
        """Its own caller has been told."""
        self._row.victim, self._row.after = victim, time.monotonic() - self.began


@dataclass
class Scene:
    """The server, who asks it, and the rows so far."""

    server: RunningServer
    videos: Path
    good: Path
    bystanders: Bystanders
    pool: ThreadPoolExecutor
    rows: list[Row]
    before: Holdings

    def client(self, transport: str, **options: object) -> Molmo2:
        return client_of(self.server, transport, **options)

    def ask(self, transport: str, operations: list[dict], **options: object) -> str:
        """What a caller without patience sees: ``answered``, or the kind of the error."""
        return self.ask_about(self.good, transport, operations, **options)

    def ask_about(
        self,
        video: Path | bytes,
        transport: str,
        operations: list[dict],
        start: float | None = None,
        **options: object,
    ) -> str:
        with self.client(transport, **{"retries": 0, **options}) as client:
            try:
                results = client.ask(video, operations, start=start).results
            except Molmo2Error as error:
                return error.kind.value
        failed = [result.error.kind.value for result in results if result.error is not None]
        return failed[0] if failed else "answered"

    def worker_at_work(self) -> psutil.Process:
        """The one that has ``good`` open: nobody else asks about that."""
        found: list[psutil.Process] = []

        def look() -> bool:
            for worker in watched.workers(self.server):
                with suppress(psutil.Error):
                    if str(self.good) in {file.path for file in worker.open_files()}:
                        found.append(worker)
            return bool(found)

        watched.until(look, LONGEST, "a worker at work")
        return found[0]

    def asked(self, *arguments: object, **options: object) -> "Future[str]":
        return self.pool.submit(self.ask, *arguments, **options)

    @contextmanager
    def fault(self, name: str, *, for_all: bool = False) -> Iterator[Blow]:
        """Bystanders ask meanwhile, unless the fault is everybody's; afterwards all must be well,
        and nothing may be left."""
        row = Row(name)
        with nullcontext() if for_all else self.bystanders.asking() as noticed:
            watched.until(lambda: for_all or noticed.answered >= 2, LONGEST, "answers")
            blow = Blow(row)
            yield blow
            watched.until(self._whole, LONGEST, "whole again")
            row.whole = time.monotonic() - blow.began
            enough = 0 if for_all else noticed.answered + 4
            watched.until(lambda: for_all or noticed.answered >= enough, LONGEST, "answers")
        if noticed is not None:
            row.answered, row.longest = noticed.answered, noticed.longest
        self._nothing_left(row)
        self.rows.append(row)
        print(f"\n{row}")
        assert noticed is None or (noticed.wrong, noticed.failed) == (0, [])

    def _whole(self) -> bool:
        return (
            len(watched.workers(self.server)) >= WORKERS
            and watched.alive_workers(self.server) == WORKERS
            and watched.engine(self.server) is not None
            and watched.is_ready(self.server)
            and self.ask("http", [{"operation": "embed"}]) == "answered"
        )

    def _nothing_left(self, row: Row) -> None:
        until = time.monotonic() + 60
        while left := Holdings.of(self.server).beyond(self.before):
            if time.monotonic() > until:
                row.left = left
                break
            time.sleep(0.5)
        assert not left


@pytest.fixture(scope="session")
def scene(prepare_a_server: Callable) -> Iterator[Scene]:
    rows: list[Row] = []
    entry = Path(__file__).parents[1] / "support" / "faulty_service.py"
    with prepare_a_server(**CONFIG) as options:
        with_faults(options.model_store / "molmo2-demo.mar", entry)
        (videos,) = options.allowed_roots
        good, other = (video.path for video in generate(videos, 2, seed=5))
        with running_server(replace(options, watched=True)) as server:
            watched.until(lambda: watched.is_ready(server), LONGEST, "readiness")
            bystanders = Bystanders(partial(client_of, server), other)
            with ThreadPoolExecutor(40) as pool:
                with bystanders.asking() as noticed:
                    watched.until(lambda: noticed.answered > 12, LONGEST, "answers")
                yield Scene(server, videos, good, bystanders, pool, rows, Holdings.of(server))
    if target := os.environ.get("FAULT_TABLE"):
        write(rows, Path(target), WORKERS)


def client_of(server: RunningServer, transport: str, **options: object) -> Molmo2:
    url = server.http_url if transport == "http" else server.grpc_url
    given = {"model": "molmo2-demo", "key_file": server.key_file, "timeout": 60, "retries": 12}
    return Molmo2(url, **{**given, "media": "path", **options})


def with_faults(archive: Path, entry: Path) -> None:
    """Puts another way in into the archive."""
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()}
    files["molmo2_service.py"] = entry.read_bytes()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
