"""The configuration of one run: the project's file, and what the run changes."""

from dataclasses import fields
from pathlib import Path

import pytest

from molmo2_client.serving.configuration import Ports, Tls, write_properties

PROJECT = Path(__file__).parents[3] / "config.properties"
PORTS = Ports(http=9080, grpc=9070, management=9081, grpc_management=9071, metrics=9082)


def read(path):
    """A properties file as Java reads it: the last of a name counts."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "run.properties"
    write_properties(PROJECT, target, PORTS, Path("model-store"), ["one", "two"])
    return read(target)


def test_ports_store_and_models_are_those_of_the_run(written, tmp_path):
    changed = {name: value for name, value in written.items() if read(PROJECT).get(name) != value}
    assert changed == {
        "inference_address": "http://127.0.0.1:9080",
        "management_address": "http://127.0.0.1:9081",
        "metrics_address": "http://127.0.0.1:9082",
        "grpc_inference_port": "9070",
        "grpc_management_port": "9071",
        "model_store": str(tmp_path / "model-store"),
        "load_models": "one.mar,two.mar",
    }


def test_with_a_certificate_inference_has_tls_and_management_stays_on_loopback(tmp_path):
    tls = Tls(tmp_path / "c.pem", tmp_path / "k.pem")
    write_properties(PROJECT, tmp_path / "run", PORTS, tmp_path, ["one"], tls)
    written = read(tmp_path / "run")
    assert written["inference_address"] == "https://127.0.0.1:9080"
    assert written["management_address"] == "http://127.0.0.1:9081"
    assert written["enable_grpc_ssl"] == "true"
    assert written["private_key_file"] == str(tmp_path / "k.pem")


def test_everything_else_stays_as_the_project_has_it(written):
    assert set(read(PROJECT)) <= set(written)


def test_a_file_without_a_last_line_break_is_continued_on_a_new_line(tmp_path):
    (tmp_path / "base").write_text("vmargs=-Xmx1g")
    write_properties(tmp_path / "base", tmp_path / "run", PORTS, tmp_path, ["one"])
    assert read(tmp_path / "run")["vmargs"] == "-Xmx1g"


def test_the_project_serves_on_loopback_only_and_asks_for_a_token():
    project = read(PROJECT)
    for name in ("inference_address", "management_address", "metrics_address"):
        assert project[name].startswith("http://127.0.0.1:")
    assert project["grpc_inference_address"] == project["grpc_management_address"] == "127.0.0.1"
    assert project["disable_token_authorization"] == "false"
    assert project["enable_model_api"] == "false"


def test_the_ports_of_the_project_are_the_default_ones():
    project, ports = read(PROJECT), Ports()
    assert project["inference_address"].endswith(f":{ports.http}")
    assert project["management_address"].endswith(f":{ports.management}")
    assert project["metrics_address"].endswith(f":{ports.metrics}")
    assert int(project["grpc_inference_port"]) == ports.grpc
    assert int(project["grpc_management_port"]) == ports.grpc_management


def test_unused_ports_are_all_different():
    assert len(set(vars(Ports.unused()).values())) == len(fields(Ports))
