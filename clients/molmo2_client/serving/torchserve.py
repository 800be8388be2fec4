"""Starts TorchServe's process for one run directory, and stops it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from molmo2_client.serving.configuration import write_properties
from molmo2_client.serving.java import JavaMissing, find_java_home
from molmo2_client.serving.options import ServeOptions, ServerFailed
from molmo2_client.serving.run_directory import clear
from molmo2_contract.run_directory import JVM_CLASS, PID_FILE, TEMPORARY, WORKER_COUNTS

STOP_SECONDS = 30.0
"""How long TorchServe may take to stop before it is killed."""

_LOGGING = Path(__file__).with_name("log4j2.xml")


def start_torchserve(
    options: ServeOptions, models: Sequence[str], lock: int
) -> "subprocess.Popen[bytes]":
    """The process that starts the JVM and ends with it; ``lock`` is the run directory's."""
    run = options.run
    clear(run)
    write_properties(
        options.properties,
        run / "config.properties",
        options.ports,
        options.model_store,
        models,
        options.tls,
    )
    command = [sys.executable, "-m", "ts.model_server", "--start", "--foreground"]
    command += ["--no-config-snapshots", "--ts-config", str(run / "config.properties")]
    command += ["--log-config", str(_LOGGING)]
    environment = _environment(options)
    with options.jvm_log.open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=run,  # TorchServe writes its tokens where it is started
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=None if options.log_requests else log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C is for us; we then stop it in order
        )


def _environment(options: ServeOptions) -> dict[str, str]:
    try:
        java = find_java_home()
    except JavaMissing as error:
        raise ServerFailed(str(error)) from None
    run = options.run
    environment = {
        **os.environ,
        "JAVA_HOME": str(java),
        "PATH": f"{Path(sys.executable).parent}:{java}/bin:{os.environ.get('PATH', '')}",
        "TMPDIR": str(run / TEMPORARY),
        "TEMP": str(run / TEMPORARY),
        "LOG_LOCATION": str(run / "logs"),
        "METRICS_LOCATION": str(run / "logs"),
        "MOLMO2_SERVE_LOG": str(options.log),
        "MOLMO2_SERVE_LOG_BYTES": str(options.log_bytes),
        "MOLMO2_SERVE_REQUESTS": "info" if options.log_requests else "off",
        "MOLMO2_HANDLER_RUN_DIRECTORY": str(run),
        "PROMETHEUS_MULTIPROC_DIR": str(run / WORKER_COUNTS),
        **options.environment,
    }
    if options.allowed_roots:
        roots = [str(root.resolve()) for root in options.allowed_roots]
        environment["MOLMO2_HANDLER_VIDEO__ALLOWED_ROOTS"] = json.dumps(roots)
    return environment


def stop_torchserve(run: Path, process: "subprocess.Popen[bytes]") -> None:
    """Asks the JVM to end, and kills it when it does not within ``STOP_SECONDS``."""
    if (jvm := _jvm(run)) is not None:
        os.kill(jvm, signal.SIGTERM)
    elif process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _jvm(run: Path) -> int | None:
    """The process of TorchServe's file, if it is TorchServe: the number may be another's by now."""
    try:
        process = int((run / PID_FILE).read_text())
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return process if JVM_CLASS in command else None
