"""What the archives of a store are called."""

import json
import zipfile

import pytest

from molmo2_client.serving import ServerFailed
from molmo2_client.serving.archives import served_names


@pytest.fixture
def put(tmp_path):
    def put(file, model, version):
        with zipfile.ZipFile(tmp_path / f"{file}.mar", "w") as archive:
            manifest = {"model": {"modelName": model, "modelVersion": version}}
            archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))

    return put


def test_a_model_is_called_by_its_name_whatever_the_file_is(put, tmp_path):
    put("renamed", "molmo2-4b", "1.0")
    put("other", "molmo2-8b", "1.0")
    assert served_names(tmp_path, ["renamed", "other"]) == ("molmo2-4b", "molmo2-8b")


def test_further_versions_are_called_by_their_numbers(put, tmp_path):
    for version in ("1.0", "2.0", "3.0"):
        put(f"m-{version}", "m", version)
    assert served_names(tmp_path, ["m-2.0", "m-1.0", "m-3.0"]) == ("m", "m/1.0", "m/3.0")


def test_the_same_version_twice_is_refused(put, tmp_path):
    put("a", "m", "1.0")
    put("b", "m", "1.0")
    with pytest.raises(ServerFailed, match=r"a\.mar and b\.mar both hold version 1\.0 of m"):
        served_names(tmp_path, ["a", "b"])


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.mar").write_bytes(b"")
    with pytest.raises(ServerFailed, match=r"a\.mar is no model archive \(BadZipFile\)"):
        served_names(tmp_path, ["a"])
