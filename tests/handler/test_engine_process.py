"""Which engine a worker asks, and how it would be started."""

import os
import sys
from pathlib import Path

import pytest

from molmo2_handler.engine_process import engine_launch
from molmo2_handler.settings import HandlerSettings

RUN = Path("/run/molmo2")
SETTINGS = HandlerSettings(run_directory=RUN, engine_start_timeout=33)
HUB = {"checkpoint": "allenai/Molmo2-4B", "max_sequences": 8}


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def launch(engine=HUB, gpu=None, archive=Path("/archive"), settings=SETTINGS):
    return engine_launch(settings, engine, archive, gpu)


def test_workers_of_one_device_share_an_engine():
    assert launch(gpu=1) == launch(gpu=1)
    assert launch() == launch()


def test_each_device_has_its_own_engine():
    sockets = {launch(gpu=gpu).socket for gpu in (None, 0, 1, 2)}
    assert len(sockets) == 4
    assert {socket.parent for socket in sockets} == {RUN}
    assert launch(gpu=2).socket.name.startswith("engine-gpu2-")
    assert launch().socket.name.startswith("engine-cpu-")


def test_other_settings_are_another_engine():
    assert launch({**HUB, "max_sequences": 9}).socket != launch().socket
    assert launch({"max_sequences": 8, "checkpoint": HUB["checkpoint"]}).socket == launch().socket


def test_an_engine_gets_the_settings_of_the_archive_and_ends_with_torchserve():
    assert launch().settings == {**HUB, "device": "cpu", "exit_with": os.getppid()}
    assert launch().start_timeout == 33


def test_a_setting_left_empty_is_left_to_its_default():
    assert launch({**HUB, "revision": None}) == launch()


def test_an_engine_sees_its_device_only():
    assert launch(gpu=3).environment == {"CUDA_VISIBLE_DEVICES": "3"}
    assert launch(gpu=3).settings["device"] == "cuda"
    assert launch().environment == {}


def test_torchserve_counts_the_devices_that_it_was_left(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert launch(gpu=0).environment == {"CUDA_VISIBLE_DEVICES": "2"}
    assert launch(gpu=1).environment == {"CUDA_VISIBLE_DEVICES": "5"}
    assert launch(gpu=1).socket.name.startswith("engine-gpu5-")


def test_workers_whose_gpus_share_an_engine_ask_the_same_one():
    pair = {**HUB, "gpus_per_engine": 2}
    assert launch(pair, gpu=2) == launch(pair, gpu=3) != launch(pair, gpu=1)
    assert launch(pair, gpu=3).environment == {"CUDA_VISIBLE_DEVICES": "2,3"}
    assert launch(pair, gpu=3).socket.name.startswith("engine-gpu2-3-")


def test_gpus_that_share_an_engine_are_counted_among_those_that_torchserve_was_left(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    pair = {**HUB, "gpus_per_engine": 2}
    assert launch(pair, gpu=2).environment == {"CUDA_VISIBLE_DEVICES": "6,7"}


def test_the_archive_may_choose_the_device():
    assert launch({**HUB, "device": "cpu"}, gpu=0).settings["device"] == "cpu"


def test_weights_in_the_archive_are_found_there(tmp_path):
    (tmp_path / "weights").mkdir()
    carried = launch({"checkpoint": "weights"}, archive=tmp_path)
    assert carried.settings["checkpoint"] == str(tmp_path / "weights")


def test_a_name_on_the_hub_and_a_folder_elsewhere_stay_what_they_are(tmp_path):
    for name in ("allenai/Molmo2-4B", str(tmp_path), "/not/mounted/yet"):
        assert launch({"checkpoint": name}).settings["checkpoint"] == name


def test_without_a_run_directory_each_torchserve_has_its_own():
    socket = launch(settings=HandlerSettings()).socket
    assert socket.parent.name == f"molmo2-{os.getppid()}"


def test_a_socket_has_a_path_that_the_kernel_takes():
    longest = HandlerSettings(run_directory=Path("/" + "x" * 69))
    reference = longest.model_copy(update={"reference": True})
    assert len(str(launch(gpu=15, settings=reference).socket)) <= 107


REFERENCE = HandlerSettings(run_directory=RUN, reference=True, reference_python=sys.executable)


def test_the_reference_is_launched_by_its_own_python_with_the_settings_of_the_engine():
    ours, theirs = launch(), launch(settings=REFERENCE)
    assert (theirs.module, theirs.python) == ("molmo2_engine.reference", sys.executable)
    assert ours.module == "molmo2_engine"
    assert theirs.settings == ours.settings


def test_the_reference_and_the_engine_never_share_a_socket():
    assert launch(settings=REFERENCE).socket != launch().socket
