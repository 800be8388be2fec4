"""What workers count is added up, whatever becomes of them and their files."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from molmo2_ops.worker_counts import ModelCounts, WorkerCounts, by_model

WORKER = """
from prometheus_client import Counter, Gauge
live = {"multiprocess_mode": "livesum"}
model = ["model", "version"]
Gauge("molmo2_requests_running", "", model, **live).labels("m", "1.0").inc(2)
Gauge("molmo2_engine_workers", "", [*model, "engine"], **live).labels("m", "1.0", "cpu").set(1)
ended = Counter("molmo2_requests", "", [*model, "transport", "outcome"])
ended.labels("m", "1.0", "http", "ok").inc()
ended.labels("m", "1.0", "grpc", "internal").inc()
ended.labels("m", "2.0", "grpc", "engine_unavailable").inc(3)
print("counted", flush=True)
input()
"""


@pytest.fixture
def workers(tmp_path):
    """Two, with the command line of TorchServe's."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", WORKER, "model_service_worker.py"]
    workers = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    for worker in workers:
        worker.stdout.readline()
    yield workers
    for worker in workers:
        worker.kill()
        worker.communicate()


def requests(metrics):
    (told,) = (metric for metric in metrics if metric.name == "molmo2_requests")
    return sum(sample.value for sample in told.samples if sample.labels["outcome"] == "ok")


def test_counts_are_told_by_the_versions_of_a_model(tmp_path, workers):
    assert by_model(WorkerCounts(tmp_path).read()) == {
        "m/1.0": ModelCounts(running=4, failed=2, engines=frozenset({"cpu"})),
        "m/2.0": ModelCounts(running=0, failed=6),
    }


def test_what_dead_workers_counted_stays_and_what_they_ran_does_not(tmp_path, workers):
    counts = WorkerCounts(tmp_path)
    workers[0].kill()
    workers[0].communicate()
    metrics = counts.read()
    assert by_model(metrics)["m/1.0"].running == 2
    assert requests(metrics) == 2


def test_a_process_that_got_the_number_of_a_worker_runs_no_requests(tmp_path, workers):
    for file in tmp_path.glob(f"gauge_live*_{workers[0].pid}.db"):
        file.rename(file.with_name(file.name.replace(str(workers[0].pid), str(os.getpid()))))
    assert by_model(WorkerCounts(tmp_path).read())["m/1.0"].running == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x10", b"\xff\xff\x00\x00" + bytes(2000), b"\x60\0\0\0\0\0\0\0\x90" + bytes(4000)],
    ids=["empty", "begun", "too long", "no key"],
)
def test_a_file_that_cannot_be_read_costs_its_own_counts_alone(tmp_path, workers, content, caplog):
    (tmp_path / f"counter_{os.getpid()}.db").write_bytes(content)
    counts = WorkerCounts(tmp_path)
    for _ in range(2):
        metrics = counts.read()
        assert requests(metrics) == 2
        assert by_model(metrics)["m/1.0"].running == 4
    assert caplog.text.count("cannot be read") == 1


def test_several_threads_read_at_once_while_workers_die(tmp_path, workers):
    counts = WorkerCounts(tmp_path)
    number = workers[0].pid
    live = {file.name: file.read_bytes() for file in tmp_path.glob(f"gauge_live*_{number}.db")}
    assert live
    workers[0].kill()
    workers[0].communicate()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for name, content in live.items():
                (tmp_path / name).write_bytes(content)
            for read in [pool.submit(counts.read) for _ in range(8)]:
                assert by_model(read.result())["m/1.0"].running == 2


def test_before_any_worker_counts_there_is_nothing(tmp_path):
    assert WorkerCounts(tmp_path / "counts").read() == []
