"""`molmo2 serve` as an operator has it: what it says, its keys, and its folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from watched import is_ready, until

from molmo2_client import Molmo2
from molmo2_client.credentials import read_inference_key
from molmo2_client.serving import Ports, RunningServer
from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MOLMO2 = Path(sys.executable).with_name("molmo2")
EMBED = [{"operation": "embed"}]


def flags(ports: Ports, **given: object) -> list[str]:
    numbers = {f"{name}_port": port for name, port in vars(ports).items()}
    return [f"--{name.replace('_', '-')}={value}" for name, value in (numbers | given).items()]


@pytest.fixture(scope="module")
def server(prepare_a_server) -> Iterator[RunningServer]:
    """The command's process, once it is ready; what it says is in ``serve.log`` beside its folder.

    Its key is renewed every few seconds, and each is written into the file ``keys``.
    """
    with prepare_a_server(minWorkers=2, maxWorkers=2) as options:
        folder = options.run.parent
        command = [MOLMO2, "serve", f"--allow-root={options.allowed_roots[0]}"]
        command += flags(
            options.ports,
            model_store=options.model_store,
            run_directory=options.run,
            renew_keys_every=6,
            on_new_keys=f'(tr -d "\\n" < "$MOLMO2_KEY_FILE"; echo) >> {folder}/keys',
        )
        with (folder / "serve.log").open("wb") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder)
        server = RunningServer(options, ("molmo2-demo",), process)
        try:
            until(lambda: "Ctrl-C stops it" in told(server), 300, "a start")
            until(lambda: is_ready(server), 120, "readiness")
            yield server
        finally:
            process.terminate()
            assert process.wait(120) == 0


def told(server: RunningServer) -> str:
    return server.options.run.with_name("serve.log").read_text()


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_every_request_has_one_line_on_standard_output_and_one_in_the_log(server, transport):
    url = server.http_url if transport == "http" else server.grpc_url
    video = generate(server.options.allowed_roots[0], 1, seed=5)[0].path
    with Molmo2(url, model="molmo2-demo", key_file=server.key_file, media="path") as molmo2:
        molmo2.ask(video, EMBED, request_id=f"{transport}-1")
    until(lambda: f'"{transport}-1"' in told(server), 30, "the line")
    (line,) = (line for line in told(server).splitlines() if f'"{transport}-1"' in line)
    assert json.loads(line)["outcome"] == "ok"
    assert line.startswith('{"request_id"')
    assert server.log.read_text().count(line) == 1


def test_what_a_server_asks_itself_is_not_said_on_standard_output(server):
    until(lambda: '"canary"' in server.log.read_text(), 60, "a canary's line")
    assert '"canary"' not in told(server)


def test_keys_are_renewed_and_each_is_given_to_the_operators_command(server):
    keys = server.options.run.with_name("keys")
    until(lambda: len(keys.read_text().splitlines()) > 2, 60, "two renewals")
    given = [json.loads(line)["inference"]["key"] for line in keys.read_text().splitlines()]
    assert len(set(given)) == len(given)
    until(lambda: read_inference_key(server.key_file) in keys.read_text(), 10, "the newest key")


def test_a_second_one_in_its_folder_is_refused_in_one_line(server):
    store, run = server.options.model_store, server.options.run
    second = flags(Ports.unused(), model_store=store, run_directory=run)
    done = subprocess.run([MOLMO2, "serve", *second], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr == (
        f"molmo2: another server has {run}: stop it first, or name another folder with "
        "--run-directory\n"
    )
    assert is_ready(server)
    assert server.process.poll() is None
