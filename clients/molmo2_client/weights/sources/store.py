"""A checkpoint in an object store, or wherever else fsspec reaches."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from molmo2_client.weights.errors import Interrupted, WeightsError
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_client.weights.sources.folder import OpenFile


class StoreSource:
    """``s3://bucket/folder`` and the like. Credentials are the environment's."""

    revision = None

    def __init__(self, uri: str) -> None:
        self.name = uri.rstrip("/")
        try:
            fsspec = importlib.import_module("fsspec.core")
            self._store, self._root = fsspec.url_to_fs(self.name)
        except (ImportError, ValueError) as error:
            raise WeightsError(
                f"{uri}: {error}; stores need an extra: "
                "pip install 'molmo2-torchserve[weights,s3]' (gcs, azure)"
            ) from None

    def files(self) -> Sequence[RemoteFile]:
        try:
            found: list[dict[str, Any]] = self._store.ls(self._root, detail=True)
        except FileNotFoundError:
            raise WeightsError(f"{self.name}: nothing is there") from None
        except Exception as error:  # each store has errors of its own
            raise WeightsError(
                f"{self.name}: cannot be listed: {type(error).__name__}: {error}"
            ) from None
        return [
            RemoteFile(entry["name"].rpartition("/")[2], int(entry["size"]))
            for entry in found
            if entry["type"] == "file"
        ]

    @contextmanager
    def read(self, file: RemoteFile, start: int) -> Iterator[OpenFile]:
        try:
            with self._store.open(f"{self._root}/{file.path}", "rb") as stream:
                stream.seek(start)
                yield OpenFile(stream, start)
        except (FileNotFoundError, PermissionError) as error:
            raise WeightsError(f"{self.name}/{file.path}: {error}") from None
        except Exception as error:
            raise Interrupted(f"{self.name}/{file.path}: {type(error).__name__}: {error}") from None
