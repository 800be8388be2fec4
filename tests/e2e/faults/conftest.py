"""A server with its shipped settings that is struck by faults, with bystanders, and the table of
what came of it."""

import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import molmo2_serve
import psutil
import pytest
import watched
import yaml
from bystanders import Bystanders
from fault_table import LEAST_ROWS, Row, write
from holdings import Holdings

from molmo2_client import Molmo2, Molmo2Error
from molmo2_client.serving import RunningServer, ServeOptions
from molmo2_demo.generate import generate

ROOT = Path(__file__).parents[3]
SHIPPED = yaml.safe_load((ROOT / "archive/molmo2_archive/configs/molmo2-demo.yaml").read_text())
WORKERS, PLACES = SHIPPED["minWorkers"], SHIPPED["jobQueueSize"]
STALL, GIVES_UP, RETRY = 3, 5, 9
CONFIG: dict[str, Any] = {
    "maxRetryTimeoutInSec": GIVES_UP,
    "engine": {"stall_seconds": STALL, "frames_per_encoding": 256},
}
DIFFERENCES = [
    f"`engine.stall_seconds` is {STALL}, not {SHIPPED['engine']['stall_seconds']}: the videos here"
    " are short, and a step that does not end is found so much sooner.",
    f"`maxRetryTimeoutInSec` is {GIVES_UP}, not {SHIPPED['maxRetryTimeoutInSec']}, so that"
    f" TorchServe gives up within the test, and `--retry-seconds` of the process beside it {RETRY},"
    " not 90: so much later it gives such a model another try. Both ways that is above TorchServe's"
    " longest pause before it gives up; one that is scaled down in a pause starts all the same.",
    f"`engine.frames_per_encoding` is {CONFIG['engine']['frames_per_encoding']}, not 16, so that"
    " one prefill wants memory in one piece.",
]
LONGEST = 120.0
"""Seconds for what a fault waits for, and until a row counts as one that does not end."""

DISK = "512m"
"""Size of the file system that the run directory has to itself where this user may mount one."""

BUSY = [{"operation": "comprehensive", "temperature": 2.0, "top_p": 1.0, "max_new_tokens": 64}]
"""Takes a worker long enough for all of them to be seen at work."""


class Blow:
    """One fault as it happens: what its own caller sees, and since when the server is not whole."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.began = time.monotonic()

    def strikes(self) -> None:
        """Now; or now it is mended, where that is somebody's task."""
        self.began = time.monotonic()

    def ends(self, victim: str) -> None:
        """Its own caller has been told."""
        self._row.victim, self._row.after = victim, time.monotonic() - self.began

    def adds(self, said: str) -> None:
        """What is to be told beside that."""
        self._row.victim += said


@dataclass
class Scene:
    """The server, who asks it, and the rows so far."""

    options: ServeOptions
    server: RunningServer
    videos: Path
    good: Path
    bystanders: Bystanders
    pool: ThreadPoolExecutor
    before: Holdings
    disk: bool
    """Whether the run directory is a small file system of its own."""
    engine_settings: dict[str, Any] = field(
        default_factory=lambda: {**SHIPPED["engine"], **CONFIG["engine"]}
    )
    handler_settings: dict[str, Any] = field(default_factory=lambda: SHIPPED["handler"])
    begun: int = 0
    rows: list[Row] = field(default_factory=list)

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
    def fault(
        self, name: str, *, leaves: str = "", lost_workers: int = 0, files: int = 0
    ) -> Iterator[Blow]:
        """Bystanders ask meanwhile; afterwards all must be well, and nothing may be left but
        ``lost_workers`` in TorchServe's list and ``files``, which the row tells as ``leaves``.

        What its own caller was told is asserted within: only a fault that came out as it must
        makes a row.
        """
        self.begun += 1
        row = Row(name, to_be_left=leaves)
        with self.bystanders.asking() as noticed:
            watched.until(lambda: noticed.answered >= 2, LONGEST, "answers")
            blow = Blow(row)
            yield blow
            row.whole = self._whole_at() - blow.began
            enough = noticed.answered + 4
            watched.until(lambda: noticed.answered >= enough, LONGEST, "answers")
        row.answered, row.longest = noticed.answered, noticed.longest
        row.wrong, row.missing = noticed.wrong, noticed.failed
        self.before = self.before.with_more(lost_workers, files)
        row.left = self._left()
        print(f"\n{row}")
        row.check()
        self.rows.append(row)

    def starts_anew(self) -> float:
        """After its end: the same command again. Says how many seconds it took."""
        began = time.monotonic()
        self.server = molmo2_serve.start(self.options)
        self.bystanders.connect = partial(client_of, self.server)
        return time.monotonic() - began

    def _whole_at(self) -> float:
        """Waits until all is whole, and says when it was, by time.monotonic."""
        until = time.monotonic() + LONGEST
        while not self._seems_whole() or (at := self._all_at_work()) is None:
            assert time.monotonic() < until, f"not whole within {LONGEST} s"
            time.sleep(0.05)
        return at

    def _seems_whole(self) -> bool:
        return (
            watched.is_ready(self.server)
            and watched.alive_workers(self.server) == WORKERS
            and len(watched.workers(self.server)) == WORKERS
            and watched.engine(self.server) is not None
        )

    def _all_at_work(self) -> float | None:
        """When every worker was at a request, of which as many are sent at once, so that none only
        seems to live; None if there was no such moment, or one is not answered."""
        since = None
        asked = [self.asked(("http", "grpc")[number % 2], BUSY) for number in range(WORKERS)]
        while not all(each.done() for each in asked):
            if since is None and watched.in_hand(self.server)["at workers"] == WORKERS:
                since = time.monotonic()
            wait(asked, 0.02, FIRST_COMPLETED)
        return since if all(each.result() == "answered" for each in asked) else None

    def _left(self) -> str:
        """What there still is a minute after all were answered."""
        until = time.monotonic() + 60
        while True:
            in_hand = [f"{n:g} {name}" for name, n in watched.in_hand(self.server).items() if n]
            left = ", ".join(in_hand) or Holdings.of(self.server).beyond(self.before)
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.5)


@pytest.fixture(scope="session")
def scene(prepare_a_server: Callable) -> Iterator[Scene]:
    with prepare_a_server(**CONFIG) as options:
        with_faults(options.model_store / "molmo2-demo.mar")
        options = replace(options, environment={"MOLMO2_OPS_RETRY_SECONDS": str(RETRY)})
        (videos,) = options.allowed_roots
        good, other = (video.path for video in generate(videos, 2, seed=5))
        with own_disk(options.run_directory) as disk, ThreadPoolExecutor(40) as pool:
            server = molmo2_serve.start(options)
            try:
                watched.until(lambda: watched.is_ready(server), LONGEST, "readiness")
                bystanders = Bystanders(partial(client_of, server), other)
                with bystanders.asking() as noticed:
                    watched.until(lambda: noticed.answered > 12, LONGEST, "answers")
                before = Holdings.of(server)
                scene = Scene(options, server, videos, good, bystanders, pool, before, disk)
                yield scene
                server = scene.server
            finally:
                molmo2_serve.end(server.process)
    complete = scene.begun == len(scene.rows) >= LEAST_ROWS
    if complete and (target := os.environ.get("FAULT_TABLE")):
        write(scene.rows, Path(target), WORKERS, PLACES, DIFFERENCES)


@contextmanager
def own_disk(folder: Path) -> Iterator[bool]:
    """Whether ``folder`` could be made a small file system of its own, as long as this lasts."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def client_of(server: RunningServer, transport: str, **options: object) -> Molmo2:
    url = server.http_url if transport == "http" else server.grpc_url
    given = {"model": "molmo2-demo", "key_file": server.key_file, "timeout": 60, "retries": 12}
    return Molmo2(url, **{**given, "media": "path", **options})


def with_faults(archive: Path) -> None:
    """Puts the way in that knows how to fail into the archive."""
    entry = Path(__file__).parents[1] / "support" / "faulty_service.py"
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()}
    files["molmo2_service.py"] = entry.read_bytes()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
