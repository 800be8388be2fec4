"""A run directory is one server's, and what the one before left in it stands for nothing."""

import subprocess
from dataclasses import replace

import psutil
import pytest

from molmo2_client.serving import Ports, ServerFailed, running_server
from molmo2_client.serving.run_directory import clear, held
from molmo2_client.serving.torchserve import stop_torchserve


@pytest.mark.e2e
@pytest.mark.parametrize("its_ports", ["others", "the same"])
def test_a_second_server_is_refused_and_costs_the_first_nothing(torchserve, open_client, its_ports):
    run = torchserve.options.run
    logged, keys = torchserve.log.read_bytes(), torchserve.key_file.read_bytes()
    properties = (run / "config.properties").read_bytes()
    ports = Ports.unused() if its_ports == "others" else torchserve.options.ports
    second = replace(torchserve.options, ports=ports)
    told = f"another server has {run}: stop it first, or name another folder with --run-directory"
    with pytest.raises(ServerFailed, match=told), running_server(second):
        pytest.fail("it started")
    assert torchserve.log.read_bytes().startswith(logged)
    assert torchserve.key_file.read_bytes() == keys
    assert (run / "config.properties").read_bytes() == properties
    assert (run / "counts").is_dir()
    assert open_client("sync-http", torchserve).describe("file:///a.mp4", "hello").text == "hello"


@pytest.mark.e2e
def test_torchserve_holds_its_folder_by_itself(torchserve):
    """So a server that outlives `molmo2 serve` still has it."""
    opened = psutil.Process(torchserve.process.pid).open_files()
    assert str(torchserve.options.run / "serve.lock") in {file.path for file in opened}


def test_a_folder_is_free_again_when_its_server_has_ended(tmp_path):
    for _ in range(2):
        with held(tmp_path / "run"):
            pass
    with held(tmp_path / "run"), pytest.raises(ServerFailed), held(tmp_path / "run"):
        pass


def test_what_a_server_left_is_not_the_next_ones_and_logs_stay(tmp_path):
    (tmp_path / "counts").mkdir()
    (tmp_path / "tmp").mkdir()
    left = ["key_file.json", "draining", "tmp/.model_server.pid", "counts/counter_1.db"]
    for name in [*left, "torchserve.log", "watch.log"]:
        (tmp_path / name).write_text("1")
    clear(tmp_path)
    there = {path.name for path in tmp_path.rglob("*")}
    assert there == {"counts", "tmp", "torchserve.log", "watch.log"}


def test_a_number_that_is_another_process_by_now_is_not_signalled(tmp_path):
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen(["sleep", "60"]) as another:
        (tmp_path / "tmp" / ".model_server.pid").write_text(str(another.pid))
        ours = subprocess.Popen(["sleep", "60"], start_new_session=True)
        stop_torchserve(tmp_path, ours)
        assert ours.poll() is not None
        assert another.poll() is None
        another.kill()
