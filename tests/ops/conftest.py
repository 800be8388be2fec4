"""What stands for TorchServe: its management API, and its JVM and workers by their commands."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

WAITS = "print(flush=True); input()"
"""A program that says when it runs, and does until it is told otherwise."""


@dataclass
class ManagementApi:
    """One model, ``m``, over HTTP; a test says how it is, and what becomes of calls."""

    workers: list[tuple[str, int, str]] = field(default_factory=list)
    """Name, process id and status of each."""
    min_workers: int = 2
    pending: int = 0
    answers: bool = True
    """Else every call fails."""
    asked: list[int] = field(default_factory=list)
    """Workers that were asked for, one call after the other."""
    losing: list[bool] = field(default_factory=list)
    """What becomes of the next calls that scale: the answer is lost, and (True) it is done."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def scale(self, workers: int) -> bool:
        """Whether the caller hears of it."""
        self.asked.append(workers)
        lost = bool(self.losing)
        if not lost or self.losing.pop(0):
            self.min_workers = workers
        return not lost

    def described(self) -> dict:
        return {
            "modelVersion": "1.0",
            "minWorkers": self.min_workers,
            "workers": [{"id": n, "pid": p, "status": s} for n, p, s in self.workers],
            "jobQueueStatus": {"pendingRequests": self.pending, "remainingCapacity": 8},
        }


@pytest.fixture
def api() -> Iterator[ManagementApi]:
    api = ManagementApi()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {"/models": {"models": [{"modelName": "m"}]}}
            self._reply(pages.get(urlsplit(self.path).path, [api.described()]))

        def do_PUT(self) -> None:
            (workers,) = parse_qs(urlsplit(self.path).query)["min_worker"]
            if api.answers and api.scale(int(workers)):
                self._reply({})
            else:
                self.send_error(500)

        def _reply(self, document: object) -> None:
            if not api.answers:
                self.send_error(500)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield api
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def alive():
    """The id of a process that is a worker by its command line."""
    command = [sys.executable, "-c", WAITS, "model_service_worker.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as worker:
        worker.stdout.readline()
        yield worker.pid
        worker.communicate()


@pytest.fixture
def start_jvm(tmp_path):
    """A process with the JVM's command line, whose id is where TorchServe writes it."""
    started = []
    (tmp_path / "tmp").mkdir()

    def start(command="org.pytorch.serve.ModelServer", folder=tmp_path, **environment):
        given = {
            "LOG_LOCATION": str(tmp_path / "logs"),
            "PROMETHEUS_MULTIPROC_DIR": "counts",
            "MOLMO2_HANDLER_RUN_DIRECTORY": str(tmp_path),
        }
        given = {k: v for k, v in {**given, **environment}.items() if v is not None}
        process = subprocess.Popen(
            [sys.executable, "-c", WAITS, command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=given,
        )
        started.append(process)
        process.stdout.readline()
        (tmp_path / "tmp" / ".model_server.pid").write_text(str(process.pid))
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
