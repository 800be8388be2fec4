"""The parts that look at processes, sockets and files."""

import os
import socket
import subprocess
import sys

import pytest

from molmo2_ops.management import ListedModel, ListedWorker
from molmo2_ops.observation import ModelState
from molmo2_ops.sockets import is_listening, unsent_bytes
from molmo2_ops.worker_processes import WorkerCount


def test_a_worker_without_a_process_is_lost_if_torchserve_takes_it_for_ready():
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    command = [sys.executable, "-c", "print(flush=True); input()", "model_service_worker.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as worker:
        worker.stdout.readline()
        workers = (
            ListedWorker("9000", worker.pid, "READY"),
            ListedWorker("9001", gone.pid, "READY"),
            ListedWorker("9002", os.getpid(), "READY"),  # the number of one that ended
            ListedWorker("9003", gone.pid, "UNLOADING"),  # TorchServe knows, and restarts it
        )
        counted = WorkerCount.of(ListedModel("m", 4, workers, pending=0, room=1))
        worker.communicate()
    assert counted == WorkerCount(alive=1, lost=2, away=("9003",))


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
        assert is_listening((port,))
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
    assert not is_listening((port,))
