"""What an engine says of settings that cannot be: one line, which who started it passes on."""

import subprocess
import sys

import pytest

from molmo2_engine.command_line import settings_of


@pytest.mark.parametrize(
    ("module", "program"),
    [("molmo2_engine", "molmo2-engine"), ("molmo2_engine.reference", "molmo2-reference")],
)
def test_a_value_out_of_bounds_is_named_with_what_is_accepted(tmp_path, module, program):
    given = ["--checkpoint=weights", f"--socket={tmp_path}/e.sock", "--quantization=int9"]
    done = subprocess.run([sys.executable, "-m", module, *given], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"{program}: quantization='int9': Input should be 'none' or 'int8'\n"


@pytest.mark.parametrize("value", [True, False])
def test_switches_are_given_as_a_configuration_writes_them(monkeypatch, value):
    given = ["--checkpoint=weights", "--socket=e.sock", f"--share-gpu={value}"]
    monkeypatch.setattr(sys, "argv", ["molmo2-engine", *given, f"--decode-graphs={value}"])
    settings = settings_of("molmo2-engine")
    assert (settings.share_gpu, settings.decode_graphs) == (value, value)


def test_a_setting_that_there_is_not_is_the_last_line(tmp_path):
    given = ["--checkpoint=weights", f"--socket={tmp_path}/e.sock", "--quantisation=int8"]
    done = subprocess.run(
        [sys.executable, "-m", "molmo2_engine", *given], capture_output=True, text=True
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last == "molmo2-engine: error: unrecognized arguments: --quantisation=int8"
