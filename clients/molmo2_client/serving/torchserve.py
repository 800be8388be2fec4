"""Starts TorchServe's process for one run directory."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from molmo2_client.serving.configuration import write_properties
from molmo2_client.serving.java import JavaMissing, find_java_home
from molmo2_client.serving.options import ServeOptions, ServerFailed

COUNTS = "counts"
"""Folder in the run directory where request workers count what they do."""


def start_torchserve(options: ServeOptions, models: Sequence[str]) -> "subprocess.Popen[bytes]":
    run = options.run
    temporary = run / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(run / COUNTS, ignore_errors=True)
    (run / COUNTS).mkdir()
    for left in ("key_file.json", "draining"):  # of the run before
        (run / left).unlink(missing_ok=True)
    write_properties(
        options.properties,
        run / "config.properties",
        options.ports,
        options.model_store,
        models,
        options.tls,
    )
    try:
        java = find_java_home()
    except JavaMissing as error:
        raise ServerFailed(str(error)) from None
    environment = {
        **os.environ,
        "JAVA_HOME": str(java),
        "PATH": f"{Path(sys.executable).parent}:{java}/bin:{os.environ.get('PATH', '')}",
        "TMPDIR": str(temporary),
        "TEMP": str(temporary),
        "LOG_LOCATION": str(run / "logs"),
        "METRICS_LOCATION": str(run / "logs"),
        "MOLMO2_HANDLER_RUN_DIRECTORY": str(run),
        "PROMETHEUS_MULTIPROC_DIR": str(run / COUNTS),
        **options.environment,
    }
    if options.allowed_roots:
        roots = [str(root.resolve()) for root in options.allowed_roots]
        environment["MOLMO2_HANDLER_VIDEO__ALLOWED_ROOTS"] = json.dumps(roots)
    command = [sys.executable, "-m", "ts.model_server", "--start", "--foreground"]
    with options.log.open("wb") as log:
        return subprocess.Popen(
            [*command, "--no-config-snapshots", "--ts-config", str(run / "config.properties")],
            cwd=run,  # TorchServe writes its tokens where it is started
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we then stop it in order
        )
