"""What TorchServe refuses itself is counted from its log."""

import pytest
from prometheus_client import CollectorRegistry

from molmo2_ops.refusals import LOG, Refusals

WORKER, HTTP, GRPC = "W-9000-molmo2-demo_1.0", "epollEventLoopGroup-3-4", "grpc-default-executor-0"
POST = "POST /predictions/molmo2-demo HTTP/1.1"
CALL = "gRPC org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions HTTP/2.0"
STREAM = CALL.replace("/Predictions", "/StreamPredictions")


def line(thread, call, status):
    """As TorchServe 0.12 writes it."""
    return (
        f"2026-11-28T19:12:28,952 [INFO ] {thread} ACCESS_LOG - "
        f'/127.0.0.1:37438 "{call}" {status} 1\n'
    )


class Log:
    def __init__(self, folder):
        self.path = folder / LOG
        self.path.parent.mkdir()
        self.path.write_text(line(HTTP, POST, 503))  # of a run before
        self._registry = CollectorRegistry()
        self.refusals = Refusals(folder, self._registry)

    def write(self, text):
        with self.path.open("a") as file:
            file.write(text)
        self.refusals.read()

    def counted(self):
        return {
            (sample.labels["kind"], sample.labels["transport"]): sample.value
            for family in self._registry.collect()
            for sample in family.samples
            if sample.name == "molmo2_refused_total" and sample.value
        }


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    yield log
    log.refusals.close()


@pytest.mark.parametrize(
    ("thread", "call", "status", "counted"),
    [
        (HTTP, POST, 503, ("overloaded", "http")),
        (GRPC, CALL, 13, ("overloaded", "grpc")),
        (GRPC, STREAM, 13, ("overloaded", "grpc")),
        (HTTP, POST, 400, ("unauthorized", "http")),
        (HTTP, POST, 404, ("invalid_request", "http")),
        (HTTP, POST, 500, ("internal", "http")),
        (WORKER, POST, 507, ("worker_died", "http")),
        (WORKER, CALL, 8, ("worker_died", "grpc")),
        (WORKER, STREAM, 13, ("worker_died", "grpc")),
    ],
)
def test_what_no_worker_counts_is_counted(log, thread, call, status, counted):
    log.write(line(thread, call, status))
    assert log.counted() == {counted: 1}


@pytest.mark.parametrize(
    ("thread", "call", "status"),
    [
        (WORKER, POST, 200),
        (WORKER, CALL, 0),
        (WORKER, POST, 503),  # a worker's own words
        (HTTP, "GET /ping HTTP/1.1", 400),
        (HTTP, "GET /models HTTP/1.1", 503),
        (GRPC, CALL.replace("/Predictions", "/Ping"), 13),
    ],
)
def test_what_is_counted_elsewhere_or_is_no_request_is_not(log, thread, call, status):
    log.write(line(thread, call, status))
    log.write("2026-11-28T19:12:28,952 [INFO ] W-9000-stdout MODEL_LOG - ACCESS_LOG\n")
    assert log.counted() == {}


def test_each_line_is_counted_once_when_it_is_whole(log):
    refused = line(HTTP, POST, 503)
    log.write(refused + refused[:60])
    assert log.counted() == {("overloaded", "http"): 1}
    log.write(refused[60:])
    assert log.counted() == {("overloaded", "http"): 2}


def test_a_log_that_is_rolled_over_is_followed(log):
    refused = line(HTTP, POST, 503)
    with log.path.open("a") as file:
        file.write(refused)
    log.path.rename(log.path.with_suffix(".1"))
    log.path.write_text(refused)
    log.refusals.read()
    assert log.counted() == {("overloaded", "http"): 2}


def test_a_log_that_is_yet_to_be_begun_is_waited_for(tmp_path):
    registry = CollectorRegistry()
    refusals = Refusals(tmp_path, registry)
    refusals.read()
    (tmp_path / LOG).parent.mkdir()
    (tmp_path / LOG).write_text(line(HTTP, POST, 503))
    refusals.read()
    labels = {"kind": "overloaded", "transport": "http"}
    assert registry.get_sample_value("molmo2_refused_total", labels) == 1
    refusals.close()
