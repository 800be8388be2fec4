"""``molmo2 serve`` as a process of its own, as a container or a shell starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watched import until

from molmo2_client.serving import RunningServer, ServeOptions


def log_of(options: ServeOptions) -> Path:
    """What it prints."""
    return options.run_directory.with_name("serve.log")


def start(options: ServeOptions, *flags: str, until_told: str = "Ctrl-C stops it") -> RunningServer:
    """Once it has said so much; an environment of the options is its own and TorchServe's."""
    ports = [
        f"--{name.replace('_', '-')}-port={port}" for name, port in vars(options.ports).items()
    ]
    command = [
        *(Path(sys.executable).with_name("molmo2"), "serve", *ports, *flags),
        f"--model-store={options.model_store}",
        f"--run-directory={options.run}",
        f"--properties={options.properties}",
        f"--allow-root={options.allowed_roots[0]}",
    ]
    log = log_of(options)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **options.environment}
        )
    try:
        until(lambda: told_or_ended(log, until_told, process), 300, "a start")
    except BaseException:
        end(process)
        raise
    return RunningServer(options, ("molmo2-demo",), process)


def told_or_ended(log: Path, said: str, process: "subprocess.Popen[bytes]") -> bool:
    text = log.read_text()
    assert said in text or process.poll() is None, text
    return said in text


def end(process: "subprocess.Popen[bytes]") -> None:
    """In order; at once where it is being stopped already."""
    process.terminate()
    process.wait(60)


@contextmanager
def served(
    options: ServeOptions, *flags: str, until_told: str = "Ctrl-C stops it"
) -> Iterator[RunningServer]:
    """``start`` for as long as the block lasts."""
    server = start(options, *flags, until_told=until_told)
    try:
        yield server
    finally:
        end(server.process)
