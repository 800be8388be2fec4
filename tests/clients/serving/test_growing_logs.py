"""Logs of processes that only write on are turned over, and never have more than their share."""

import os

import pytest

from molmo2_client.serving.growing_logs import KEPT, GrowingLogs

MOST = 1000


@pytest.fixture
def logs(tmp_path):
    return GrowingLogs(tmp_path, MOST)


@pytest.mark.parametrize("name", ["engine-cpu-0a1b.log", "watch.log", "jvm.log"])
def test_a_process_that_writes_for_ever_has_its_newest_lines_in_bounded_files(logs, tmp_path, name):
    with (tmp_path / name).open("ab", buffering=0) as process:
        for number in range(400):
            process.write(b"line %04d of a process\n" % number)
            logs.turn_over()
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files.keys() == {name, *(f"{name}.{number}" for number in range(1, KEPT + 1))}
    assert max(map(len, files.values())) < MOST + 30
    in_order = [files[f"{name}.{number}"] for number in range(KEPT, 0, -1)] + [files[name]]
    numbers = [int(line.split()[1]) for line in "".join(in_order).splitlines()]
    assert numbers == list(range(numbers[0], 400))


def test_what_has_not_grown_enough_stays(logs, tmp_path):
    (tmp_path / "watch.log").write_bytes(b"x" * (MOST - 1))
    logs.turn_over()
    assert [path.name for path in tmp_path.iterdir()] == ["watch.log"]


def test_logs_that_torchserve_turns_over_are_left_to_it(logs, tmp_path):
    (tmp_path / "torchserve.log").write_bytes(b"x" * 2 * MOST)
    logs.turn_over()
    assert [path.name for path in tmp_path.iterdir()] == ["torchserve.log"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk is full here")
def test_a_full_disk_costs_the_lines_and_not_the_server(logs, tmp_path):
    (tmp_path / "watch.log").write_bytes(b"x" * MOST)
    (tmp_path / "watch.log.1").symlink_to("/dev/full")
    (tmp_path / "watch.log.2").mkdir()  # and what was there cannot be moved
    (tmp_path / "watch.log.2" / "file").touch()
    logs.turn_over()
    assert (tmp_path / "watch.log").stat().st_size == 0
