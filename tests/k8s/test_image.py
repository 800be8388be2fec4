"""The image: what its stages hold, and the two small programs that it is built with."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires

import pytest
from rendering import K8S, OVERLAYS, ROOT, containers, pod

IMAGE = K8S / "image"


def stages():
    """The Dockerfile's stages by name: their instructions, comments and continuations resolved."""
    text = re.sub(r"^#.*\n", "", (IMAGE / "Dockerfile").read_text(), flags=re.MULTILINE)
    text = text.replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if named := re.match(r"FROM \S+ AS (\w[\w-]*)", line):
            found[named[1]] = current = []
            current.append(line)
        elif line and found:
            current.append(line)
    return found


def test_the_last_stage_is_the_server_and_has_no_compiler_and_no_weights():
    *_, last = stages()
    assert last == "server"
    text = "\n".join(stages()["python"] + stages()["server"])
    assert not re.search(r"\b(gcc|g\+\+|clang|build-essential|make|python3-dev)\b", text)
    assert "checkpoint" not in text


def test_it_runs_as_a_user_with_a_number_behind_an_init():
    server = stages()["server"]
    (user,) = (line.split()[1] for line in server if line.startswith("USER"))
    assert user.split(":")[0] == str(pod("gpu")[1]["securityContext"]["runAsUser"])
    (entry,) = (line for line in server if line.startswith("ENTRYPOINT"))
    assert re.match(r'ENTRYPOINT \["/usr/bin/tini", "--", "/opt/molmo2/bin/entry"\]', entry)


def test_a_pod_sees_the_gpus_that_it_was_given_and_no_others():
    """That variable in an image opens every GPU of a node to pods that asked for none."""
    assert "NVIDIA_VISIBLE_DEVICES" not in (IMAGE / "Dockerfile").read_text()


def test_a_gateway_that_is_told_to_end_answers_first():
    assert "\nSTOPSIGNAL SIGQUIT\n" in (IMAGE / "gateway.Dockerfile").read_text()


def test_the_base_can_be_replaced():
    first = re.search(r"^ARG BASE_IMAGE=(\S+)", (IMAGE / "Dockerfile").read_text(), re.MULTILINE)
    assert first
    assert ":" in first[1]
    assert not first[1].endswith("latest")


def test_everything_that_stages_copy_is_sent_to_the_builder():
    ignored = (ROOT / ".dockerignore").read_text()
    sent = [line[1:] for line in ignored.splitlines() if line.startswith("!")]
    for lines in stages().values():
        for line in lines:
            if line.startswith("COPY") and "--from" not in line:
                *sources, _ = [part for part in line.split()[1:] if not part.startswith("--")]
                for source in sources:
                    assert (ROOT / source).exists()
                    assert any(within(one, source) or within(source, one) for one in sent)


def test_what_it_installs_is_what_is_tested():
    pinned = (ROOT / "constraints.txt").read_text().split()
    (torch,) = (line for line in stages()["build"] if line.startswith("ARG TORCH="))
    assert torch.removeprefix("ARG TORCH=") in pinned
    (install,) = (line for line in stages()["build"] if "requirements.txt" in line)
    assert "pip install -c /source/constraints.txt" in install


def within(inner, outer):
    return f"{inner}/".startswith(f"{outer}/")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_manifest_goes_around_the_entry(overlay):
    for one in containers(pod(overlay)[1]):
        if "molmo2-torchserve" in one["image"]:
            assert "command" not in one


def module(name):
    spec = importlib.util.spec_from_file_location(name, IMAGE / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_requirements_are_those_of_the_extras_without_torch():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = module("requirements").required(project, ["server", "s3"])
    names = {re.split(r"[<>=\[~! ]", one)[0] for one in found}
    assert {"torchserve", "transformers", "grpcio", "typer", "s3fs", "pydantic"} <= names
    assert not {"torch", "molmo2-torchserve", "fiftyone", "pytest"} & names
    # What is installed says the same of itself.
    told = {re.split(r"[<>=\[~! ;]", one)[0] for one in requires("molmo2-torchserve")}
    assert {name.lower() for name in names} <= {name.lower() for name in told}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Triton's, as the build stage leaves it."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing")
    folder = tmp_path_factory.mktemp("triton") / "cache"
    program = IMAGE / "triton_driver.py"
    done = subprocess.run([sys.executable, program, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("path", ["", None], ids=["nothing on the path", "all of it"])
def test_tritons_link_is_compiled_once_and_then_found(cache, path):
    made = {library: library.stat().st_mtime_ns for library in cache.glob("*/cuda_utils*.so")}
    assert made
    # With no compiler that works; and with and without `file`, which Triton's key depends on.
    looked_up = "from triton.backends.nvidia.driver import CudaUtils; CudaUtils()"
    at_hand = {"TRITON_CACHE_DIR": str(cache), "TRITON_LIBCUDA_PATH": f"{cache}/driver"}
    environment = {**os.environ, **at_hand, "CC": "false"}
    if path is not None:
        environment["PATH"] = path
    again = subprocess.run(
        [sys.executable, "-c", looked_up], env=environment, capture_output=True, text=True
    )
    # It is found, and where there is no driver cannot be loaded; only then is a compiler asked for.
    found = "compiled module cuda_utils.so could not be loaded" in again.stderr
    assert found or again.returncode == 0, again.stderr
    assert {library: library.stat().st_mtime_ns for library in made} == made


def test_the_entry_fills_an_empty_cache_and_becomes_its_command(tmp_path):
    seeded = tmp_path / "opt"
    (seeded / "key").mkdir(parents=True)
    (seeded / "key" / "cuda_utils.so").write_text("library")
    entry = tmp_path / "entry"
    entry.write_text((IMAGE / "entry").read_text().replace("/opt/molmo2/triton", str(seeded)))
    cache = tmp_path / "run" / "triton"
    environment = {"PATH": os.environ["PATH"], "TRITON_CACHE_DIR": str(cache)}
    command = ["sh", entry, "sh", "-c", 'echo "$TRITON_LIBCUDA_PATH"; exit 7']
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == (f"{seeded}/driver\n", 7)
    assert (cache / "key" / "cuda_utils.so").read_text() == "library"
