"""A checkpoint in an object store, or wherever else fsspec reaches."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from molmo2_client.weights.errors import Interrupted, WeightsError
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_client.weights.sources.folder import OpenFile
from molmo2_client.weights.sources.recorded import RecordedSource
from molmo2_contract.weights import RECORD_NAME


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
            self._sizes = self._list()
            has_record = RECORD_NAME in self._sizes
            record = self._store.cat_file(f"{self._root}/{RECORD_NAME}") if has_record else None
        super().__init__(self._uri, record)

    def files(self) -> Sequence[RemoteFile]:
        return [self.remote_file(name, size) for name, size in self._sizes.items()]

    @contextmanager
    def read(self, file: RemoteFile, start: int) -> Iterator[OpenFile]:
        try:
            with self._store.open(f"{self._root}/{file.path}", "rb") as stream:
                stream.seek(start)
                yield OpenFile(stream, start)
        except (FileNotFoundError, PermissionError) as error:
            raise WeightsError(f"{self._uri}/{file.path}: {error}") from None
        except Exception as error:
            raise Interrupted(f"{self._uri}/{file.path}: {type(error).__name__}: {error}") from None

    def _list(self) -> dict[str, int]:
        """Name to bytes of the files at the top."""
        found: list[dict[str, Any]] = self._store.ls(self._root, detail=True)
        return {
            entry["name"].rpartition("/")[2]: int(entry["size"])
            for entry in found
            if entry["type"] == "file"
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
