"""A checkpoint in an object store, or wherever else fsspec reaches."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from molmo2_client.weights.errors import Interrupted, WeightsError
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_client.weights.sources.folder import PIECE
from molmo2_client.weights.sources.recorded import RecordedSource
from molmo2_contract.weights import RECORD_NAME

_VERSIONS = (
    *("ETag", "etag", "md5Hash", "generation"),
    *("LastModified", "last_modified", "updated", "mtime", "modified", "created"),
)
"""Names under which stores tell one content from another, the surest first."""


class StoreSource(RecordedSource):
    """``s3://bucket/folder`` and the like. Credentials are the environment's."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")
        try:
            fsspec = importlib.import_module("fsspec.core")
            self._store, self._root = fsspec.url_to_fs(self._uri)
        except (ImportError, ValueError) as error:
            raise WeightsError(
                f"{uri}: {error}; stores need an extra: "
                "pip install 'molmo2-torchserve[weights,s3]' (gcs, azure)"
            ) from None
        with self._told():
            self._listed = self._list()
            has_record = RECORD_NAME in self._listed
            record = self._store.cat_file(f"{self._root}/{RECORD_NAME}") if has_record else None
        super().__init__(self._uri, record)

    def files(self) -> Sequence[RemoteFile]:
        return [
            self.remote_file(name, int(entry["size"]), _version(entry))
            for name, entry in self._listed.items()
        ]

    @contextmanager
    def read(self, file: RemoteFile, start: int) -> Iterator["StoredFile"]:
        place = f"{self._uri}/{file.path}"
        with _interrupted(place):
            stream = self._store.open(f"{self._root}/{file.path}", "rb")
        with stream:
            yield StoredFile(place, stream, start)

    def _list(self) -> dict[str, dict[str, Any]]:
        """What the store says of the files at the top, by name."""
        found: list[dict[str, Any]] = self._store.ls(self._root, detail=True)
        return {
            entry["name"].rpartition("/")[2]: entry for entry in found if entry["type"] == "file"
        }

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A store's errors as ours; each has its own."""
        try:
            yield
        except FileNotFoundError:
            raise WeightsError(f"{self._uri}: nothing is there") from None
        except Exception as error:
            raise WeightsError(
                f"{self._uri}: cannot be listed: {type(error).__name__}: {error}. Its address and "
                "credentials come from the environment (AWS_ENDPOINT_URL, AWS_PROFILE, …)"
            ) from None


@dataclass(frozen=True)
class StoredFile:
    """What is left of an open file; only the store's own failures are told as interruptions."""

    place: str
    stream: BinaryIO
    start: int

    def __iter__(self) -> Iterator[bytes]:
        with _interrupted(self.place):
            self.stream.seek(self.start)
        while piece := self._piece():
            yield piece

    def _piece(self) -> bytes:
        with _interrupted(self.place):
            return self.stream.read(PIECE)


@contextmanager
def _interrupted(place: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, PermissionError) as error:
        raise WeightsError(f"{place}: {error}") from None
    except Exception as error:
        raise Interrupted(f"{place}: {type(error).__name__}: {error}") from None


def _version(entry: dict[str, Any]) -> str:
    """What the store says of the content besides its size; stores differ in what they call it."""
    return next((str(entry[name]) for name in _VERSIONS if entry.get(name)), "")
