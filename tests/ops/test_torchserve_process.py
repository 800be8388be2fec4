"""The process of TorchServe: known by what it runs, and watched only where that can be."""

import os
import re

import pytest

from molmo2_ops.torchserve_process import NotWatchable, TorchServeProcess


def test_it_is_ended_by_its_id(tmp_path, start_jvm):
    process = start_jvm()
    torchserve = TorchServeProcess(tmp_path)
    assert not torchserve.has_ended
    torchserve.stop()
    process.wait(30)
    assert torchserve.has_ended


def test_another_process_that_got_its_number_is_left_alone(tmp_path, start_jvm):
    process = start_jvm("something else")
    torchserve = TorchServeProcess(tmp_path)
    assert not torchserve.has_ended  # it has yet to begin
    torchserve.stop()
    assert process.poll() is None
    start_jvm()
    assert torchserve.process != process.pid
    assert not torchserve.has_ended


def test_one_that_has_ended_is_not_the_process_that_has_its_number_now(tmp_path, start_jvm):
    start_jvm()
    torchserve = TorchServeProcess(tmp_path)
    assert not torchserve.has_ended
    torchserve._process = os.getpid()
    assert torchserve.has_ended


def test_its_identity_is_its_own(tmp_path, start_jvm):
    start_jvm()
    first = TorchServeProcess(tmp_path).identity
    assert first == TorchServeProcess(tmp_path).identity
    start_jvm()
    assert TorchServeProcess(tmp_path).identity != first


def test_one_that_was_started_as_it_should_can_be_watched(tmp_path, start_jvm):
    start_jvm()
    TorchServeProcess(tmp_path).check()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"PROMETHEUS_MULTIPROC_DIR": None}, "PROMETHEUS_MULTIPROC_DIR is not set"),
        ({"MOLMO2_HANDLER_RUN_DIRECTORY": "/elsewhere"}, "RUN_DIRECTORY is /elsewhere"),
        ({"LOG_LOCATION": None}, "LOG_LOCATION is not set"),
        ({"folder": "/", "PROMETHEUS_MULTIPROC_DIR": "/counts"}, "it runs in /"),
    ],
)
def test_what_is_missing_is_named_with_what_to_set(tmp_path, start_jvm, wrong, told):
    start_jvm(**wrong)
    with pytest.raises(NotWatchable, match=re.escape(told)) as refused:
        TorchServeProcess(tmp_path).check()
    assert f"PROMETHEUS_MULTIPROC_DIR={tmp_path}/counts" in str(refused.value)


def test_one_that_writes_its_id_elsewhere_is_named(tmp_path):
    with pytest.raises(NotWatchable, match=r"not in .*\.model_server\.pid.*TMPDIR="):
        TorchServeProcess(tmp_path).check()
