"""The parts that look at processes, sockets and files."""

import io
import os
import socket
import subprocess
import sys

import pytest
from PIL import Image

from molmo2_ops.canary import black_image
from molmo2_ops.management import ListedModel, ListedWorker
from molmo2_ops.observation import ModelState
from molmo2_ops.unsent import unsent_bytes
from molmo2_ops.worker_counts import WorkerCounts, running
from molmo2_ops.worker_processes import WorkerCount, is_running


def test_a_process_that_ended_does_not_run_though_nobody_has_asked_for_its_status():
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    child.stdout.read()
    while is_running(child.pid):
        pass
    assert child.returncode is None  # a zombie
    child.communicate()
    assert not is_running(child.pid)
    assert is_running(os.getpid())


def test_a_worker_listed_as_ready_without_a_process_is_lost():
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    workers = (
        ListedWorker("9000", os.getpid(), "READY"),
        ListedWorker("9001", gone.pid, "READY"),
        ListedWorker("9002", gone.pid, "UNLOADING"),  # TorchServe knows, and restarts it
    )
    model = ListedModel("m", 3, workers, pending=0, room=1)
    assert WorkerCount.of(model) == WorkerCount(alive=1, lost=1)


@pytest.mark.parametrize(
    ("statuses", "alive", "loaded"),
    [(["READY", "UNLOADING"], 1, True), (["UNLOADING"], 1, False), (["READY"], 0, False)],
)
def test_a_model_is_loaded_when_a_worker_that_lives_is_ready(statuses, alive, loaded):
    workers = tuple(ListedWorker(str(number), 1, told) for number, told in enumerate(statuses))
    listed = ListedModel("m", 3, workers, pending=0, room=1)
    assert ModelState(listed, WorkerCount(alive=alive, lost=0), running=0).is_loaded == loaded


@pytest.mark.parametrize(
    ("pending", "running", "canaries", "in_flight"), [(3, 2, 0, 5), (3, 2, 1, 4), (0, 0, 1, 0)]
)
def test_only_callers_requests_are_in_flight(pending, running, canaries, in_flight):
    listed = ListedModel("m", 3, (), pending=pending, room=1)
    model = ModelState(listed, WorkerCount(alive=3, lost=0), running, canaries)
    assert model.in_flight == in_flight


def test_what_a_caller_has_not_received_is_counted():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            connection, _ = server.accept()
            with connection:
                assert unsent_bytes((port,)) == 0
                connection.setblocking(False)
                sent = 0
                try:
                    while True:
                        sent += connection.send(bytes(2**16))
                except BlockingIOError:
                    assert unsent_bytes((port,)) > 0
                received = 0
                while received < sent:
                    received += len(caller.recv(2**20))
                while unsent_bytes((port,)):  # until the last acknowledgement
                    pass


def test_the_canary_is_a_picture():
    image = Image.open(io.BytesIO(black_image()))
    image.load()
    assert (image.size, image.getextrema()) == ((32, 32), (0, 0))


WORKER = """
import os
from prometheus_client import Counter, Gauge
Gauge("molmo2_requests_running", "", ["model"], multiprocess_mode="livesum").labels("m").inc(2)
Counter("molmo2_requests", "", ["model"]).labels("m").inc()
print("counted", flush=True)
input()
"""


def test_what_dead_workers_counted_stays_and_what_they_ran_does_not(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", WORKER]
    workers = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    for worker in workers:
        worker.stdout.readline()
    counts = WorkerCounts(tmp_path)
    assert running(counts.read()) == {"m": 4}
    workers[0].kill()
    workers[0].communicate()
    metrics = counts.read()
    assert running(metrics) == {"m": 2}
    (requests,) = (metric for metric in metrics if metric.name == "molmo2_requests")
    assert requests.samples[0].value == 2
    workers[1].kill()
    workers[1].communicate()


def test_before_any_worker_counts_there_is_nothing(tmp_path):
    assert WorkerCounts(tmp_path / "counts").read() == []
