"""An unpacked archive in a worker: TorchServe loads it, and no torch with it."""

import json
import os
import subprocess
import sys

import pytest

ENCODE = """
import ts.protocol.otf_message_handler as wire
message = wire.create_predict_response([b"answer"], {0: "request-1"}, "fine", 200)
assert b"answer" in message
"""

LOAD = """
from ts.model_loader import TsModelLoader
from ts.utils.util import list_classes_from_module
import ts.model_service_worker
module, function = TsModelLoader()._load_handler_file("molmo2_service.py")
(found,) = list_classes_from_module(module)
assert function is None
assert {"initialize", "handle"} <= set(dir(found))
"""

TELL = """
import json, sys, torch
files = {name: getattr(sys.modules[name], "__file__", None) for name in sys.modules}
print(json.dumps(files))
"""


@pytest.fixture
def loaded(unpacked, tmp_path):
    """Modules and their files in a process that has the archive first on its path."""

    def run(code):
        # TorchServe starts a worker with the archive's folder first on PYTHONPATH.
        environment = {**os.environ, "PYTHONPATH": str(unpacked)}
        done = subprocess.run(
            [sys.executable, "-c", code + TELL],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize("code", [ENCODE, LOAD], ids=["replies", "loads"])
def test_a_worker_never_loads_the_real_torch(loaded, unpacked, code):
    files = loaded(code)
    assert files["torch"] == str(unpacked / "torch.py")
    assert not {"torch._C", "transformers", "fiftyone"} & set(files)


def test_the_handler_and_all_it_needs_of_ours_come_from_the_archive(loaded, unpacked):
    files = loaded(LOAD)
    ours = {name: file for name, file in files.items() if name.startswith("molmo2_") and file}
    assert {"molmo2_handler.service", "molmo2_contract.request", "molmo2_engine.client"} <= set(
        ours
    )
    assert not [file for file in ours.values() if not file.startswith(f"{unpacked}/")]


def test_an_engine_of_the_archive_finds_the_real_torch(unpacked, tmp_path):
    code = "import importlib.util as u; print(u.find_spec('torch').origin, end='')"
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            code + "; import molmo2_engine as e; print('\\n' + e.__file__)",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked / "packages")},
        capture_output=True,
        text=True,
    )
    torch, engine = done.stdout.splitlines()
    assert not torch.startswith(str(unpacked))
    assert engine.startswith(str(unpacked))


def test_the_stand_in_saves_no_tensor(unpacked):
    code = "import torch; print(torch.__version__); torch.save(1, None)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert "stand-in" in done.stdout
    assert "request workers have no torch" in done.stderr
