"""The end of a server: what is in flight when nobody can say so, and what was never received."""

import socket
import threading
from collections.abc import Iterator

import pytest

from molmo2_contract.run_directory import DRAINING
from molmo2_ops.drain import Drain
from molmo2_ops.management import Management, ManagementUnreachable
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.worker_processes import WorkerCount

LOADED = {"m/1.0"}


class Server:
    """A TorchServe as a drain sees it: its management API, its port, what its workers are at."""

    def __init__(self, api, folder):
        self.api, self.folder = api, folder
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.ports = (self.listening.getsockname()[1],)
        self.running = 0
        self.management = Management(api.url, folder / "key_file.json")
        self.looks: list[Observation] = []
        self.on_look = lambda looks: None

    def look(self):
        try:
            listed = self.management.models()
        except ManagementUnreachable:
            return Observation(reachable=False)
        models = (ModelState(each, WorkerCount(1, 0), self.running) for each in listed)
        return Observation(True, tuple(models))

    def tell(self, seen):
        self.looks.append(seen)
        self.on_look(len(self.looks))

    def drain(self, grace, last=None):
        drain = Drain(self.look, self.folder, self.ports, LOADED)
        drain.begin(Observation(reachable=False) if last is None else last)
        return drain.wait(grace, self.tell)


@pytest.fixture
def server(api, tmp_path) -> Iterator[Server]:
    server = Server(api, tmp_path)
    yield server
    server.management.close()
    server.listening.close()


def test_it_waits_for_what_runs_and_for_what_waited_when_it_began(server, api):
    server.running, api.pending = 1, 2

    def advance(looks):
        if looks == 3:
            server.running = 0
        if looks == 6:
            assert (server.folder / DRAINING).stat().st_size == 2
            api.pending = 0

    server.on_look = advance
    report = server.drain(grace=60)
    assert len(server.looks) >= 9
    assert report.complete
    assert str(report).endswith("all 3 requests in flight were answered")


def test_what_comes_later_and_waits_is_not_waited_for(server, api):
    server.on_look = lambda looks: setattr(api, "pending", 5)
    assert server.drain(grace=60).complete


def test_what_is_left_when_the_grace_is_over_is_told(server):
    server.running = 2
    report = server.drain(grace=0.5)
    assert not report.complete
    assert "2 of 2 requests in flight were not answered in time" in str(report)


def test_a_server_that_does_not_answer_is_not_quiet(server, api):
    api.answers = False
    report = server.drain(grace=1.5)
    assert report.seconds >= 1.5
    assert not report.complete
    assert "nobody knows which requests in flight were answered" in str(report)


def test_a_server_that_stops_answering_in_the_middle_is_not_quiet(server, api):
    server.running = 1

    def fall_silent(looks):
        server.running = 0
        api.answers = False

    server.on_look = fall_silent
    report = server.drain(grace=1.5)
    assert not report.complete
    assert "nobody knows" in str(report)


def test_it_is_asked_until_it_answers(server, api):
    server.running, api.answers = 1, False

    def answer(looks):
        api.answers = looks >= 5
        server.running = int(looks < 8)

    server.on_look = answer
    report = server.drain(grace=60)
    assert report.complete
    assert report.owed == 1


def test_admission_ends_at_once_also_where_it_does_not_answer(server, api):
    api.pending = 3
    last = server.look()
    api.answers = False
    drain = Drain(server.look, server.folder, server.ports, LOADED)
    drain.begin(last)
    assert (server.folder / DRAINING).stat().st_size == 3


def test_a_server_that_ended_with_requests_in_flight_has_not_answered_them(server, api):
    server.running = 2

    def end(looks):
        if looks == 2:
            api.answers = False
            server.listening.close()

    server.on_look = end
    report = server.drain(grace=60)
    assert report.seconds < 30
    assert not report.complete
    assert "with 2 requests in flight unanswered" in str(report)


def test_a_server_that_has_not_begun_to_listen_owes_nothing(server, api):
    api.answers = False
    server.listening.close()
    report = server.drain(grace=60)
    assert report.seconds < 30
    assert report.complete


def test_what_a_caller_has_not_received_is_told(server):
    with socket.create_connection(("127.0.0.1", server.ports[0])) as caller:
        connection, _ = server.listening.accept()
        with connection:
            connection.setblocking(False)
            sent = 0
            try:
                while True:
                    sent += connection.send(bytes(2**16))
            except BlockingIOError:
                pass
            report = server.drain(grace=0.5)
            assert not report.complete
            assert f"{report.unsent} bytes of the answers had not reached" in str(report)

            def receive():
                received = 0
                while received < sent:
                    received += len(caller.recv(2**20))

            reading = threading.Thread(target=receive)
            reading.start()
            assert server.drain(grace=60).complete
            reading.join()
