"""What a finished pull leaves."""

import hashlib

from small_hub import FETCHED

from molmo2_client.weights import Pulled
from molmo2_contract.weights import RECORD_NAME, WeightsRecord


def assert_whole(pulled: Pulled, files: dict[str, bytes]) -> None:
    assert {path.name for path in pulled.folder.iterdir()} == FETCHED | {RECORD_NAME}
    for name in FETCHED:
        assert (pulled.folder / name).read_bytes() == files[name]
        assert pulled.record.files[name].sha256 == hashlib.sha256(files[name]).hexdigest()
    assert WeightsRecord.read(pulled.folder) == pulled.record
    assert not pulled.folder.with_name(f".{pulled.folder.name}.part").exists()
