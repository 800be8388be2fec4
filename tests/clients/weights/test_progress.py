"""What ``molmo2 weights pull`` shows on a terminal while bytes come."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.filesize import decimal
from small_hub import FETCHED, NAME

FIRST = "model-00001-of-00002.safetensors"


def shown(command):
    """Everything that it wrote to its terminal, and its status."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, stderr=theirs, stdout=subprocess.PIPE, env=environment)
    os.close(theirs)
    written = b""
    while piece := _read(ours):
        written += piece
    os.close(ours)
    with process:
        assert process.stdout.read().startswith(b"/")
    return process.returncode, written.decode()


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # the last one at the other end has gone
        return b""


def test_a_bar_counts_the_bytes_and_goes_when_all_are_there(hub, tmp_path):
    hub.cuts = {FIRST: [100_000]}
    molmo2 = Path(sys.executable).with_name("molmo2")
    status, written = shown([molmo2, "weights", "pull", NAME, tmp_path / "weights"])
    assert status == 0
    total = decimal(sum(len(hub.files[name]) for name in FETCHED)).split()[0]
    counts = re.findall(rf"([0-9.]+)/{re.escape(total)} kB", written)
    assert counts[-1] == total
    assert NAME in written
    assert "━" in written
    assert written.endswith("\x1b[2K")  # the line is empty again
