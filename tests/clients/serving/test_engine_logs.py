"""When a server is no longer waited for, since no engine of it starts."""

import pytest

from molmo2_client.serving.engine_logs import EngineLogs

REFUSAL = "molmo2-engine: /weights: model_type is 'qwen3'; only 'molmo2' is served"


@pytest.fixture
def write(tmp_path):
    def write(*lines, log="engine-cpu-1.log"):
        with (tmp_path / log).open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    return write


def test_engines_that_end_for_the_same_reason_tell_it(tmp_path, write):
    logs = EngineLogs(tmp_path)
    assert logs.refusal() is None
    write("2026-01-01 INFO loading", REFUSAL)
    assert logs.refusal() is None
    write("2026-01-01 INFO loading", REFUSAL)
    assert logs.refusal() == REFUSAL


def test_what_engines_said_before_this_start_does_not_count(tmp_path, write):
    write(*[REFUSAL] * 5)
    logs = EngineLogs(tmp_path)
    assert logs.refusal() is None
    write(REFUSAL)
    assert logs.refusal() is None


def test_a_reason_that_changes_may_pass(tmp_path, write):
    logs = EngineLogs(tmp_path)
    write(REFUSAL, REFUSAL, "molmo2-engine: the GPU is taken")
    assert logs.refusal() is None


def test_other_lines_are_no_reasons(tmp_path, write):
    logs = EngineLogs(tmp_path)
    write(*["Traceback (most recent call last):"] * 5)
    assert logs.refusal() is None


def test_each_models_engines_are_counted_alone(tmp_path, write):
    logs = EngineLogs(tmp_path)
    write(REFUSAL)
    write(REFUSAL, log="engine-cpu-2.log")
    assert logs.refusal() is None
    write(REFUSAL, log="engine-cpu-2.log")
    assert logs.refusal() == REFUSAL
