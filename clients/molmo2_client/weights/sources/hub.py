"""A checkpoint on the Hugging Face hub, or on a mirror of it (``HF_ENDPOINT``)."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx2

from molmo2_client.weights.errors import Interrupted, WeightsError
from molmo2_client.weights.remote_file import RemoteFile

_TIMEOUT = httpx2.Timeout(30.0)
"""Seconds without a byte after which a download is taken up again."""

_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class HubSource:
    """Lists with the hub's own client, whose token and endpoint count here too.

    ``revision`` (a branch, a tag or a commit) is resolved once: all files are of one commit.
    """

    def __init__(self, name: str, revision: str | None) -> None:
        try:
            from huggingface_hub import HfApi, constants, errors, get_token, hf_hub_url
        except ImportError:
            raise WeightsError(
                "the hub needs an extra: pip install 'molmo2-torchserve[weights]'"
            ) from None
        self.name = name
        self._asked = revision
        self._endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
        self._errors = errors
        self._url_of = hf_hub_url
        self._get_token = get_token
        self._api = HfApi(endpoint=self._endpoint)

    @cached_property
    def revision(self) -> str | None:
        with self._told():
            return self._api.model_info(self.name, revision=self._asked).sha

    def files(self) -> Sequence[RemoteFile]:
        with self._told():
            entries = list(self._api.list_repo_tree(self.name, revision=self.revision))
        return [_remote_file(entry) for entry in entries if hasattr(entry, "blob_id")]

    @contextmanager
    def read(self, file: RemoteFile, start: int) -> Iterator["Download"]:
        url = self._url_of(self.name, file.path, revision=self.revision, endpoint=self._endpoint)
        headers = {"Accept-Encoding": "identity"}
        if token := self._get_token():
            headers["Authorization"] = f"Bearer {token}"
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            with httpx2.stream(
                "GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT
            ) as response:
                self._check(response, file)
                yield Download(response, start if response.status_code == 206 else 0)
        except httpx2.TransportError as error:
            raise Interrupted(f"{file.path}: {type(error).__name__}: {error}") from None

    def _check(self, response: httpx2.Response, file: RemoteFile) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        if status in _TRY_AGAIN:
            raise Interrupted(f"{file.path}: the hub answers {status}")
        if status in (401, 403):
            raise WeightsError(self._denied(status))
        raise WeightsError(f"{self.name}: {file.path}: the hub answers {status}")

    def _denied(self, status: int) -> str:
        return (
            f"{self.name}: the hub denies access ({status}). Accept the terms on "
            f"{self._endpoint}/{self.name}, and give a token that may read it: HF_TOKEN, or "
            "hf auth login"
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The hub client's errors as ours."""
        errors = self._errors
        try:
            yield
        except errors.GatedRepoError:
            raise WeightsError(self._denied(403)) from None
        except errors.RevisionNotFoundError:
            raise WeightsError(f"{self.name}: has no revision {self._asked!r}") from None
        except errors.RepositoryNotFoundError:
            raise WeightsError(
                f"{self.name}: is not on {self._endpoint}, or only for those with a token "
                "(HF_TOKEN)"
            ) from None
        except errors.HfHubHTTPError as error:
            status = error.response.status_code
            if status in (401, 403):
                raise WeightsError(self._denied(status)) from None
            raise WeightsError(f"{self.name}: the hub answers {status}") from None
        except (httpx2.TransportError, OSError) as error:
            raise WeightsError(
                f"{self._endpoint} cannot be reached ({type(error).__name__}: {error}). Without "
                "the internet, name a mirror (HF_ENDPOINT), a folder or a store"
            ) from None


@dataclass(frozen=True)
class Download:
    """The rest of a file as the hub sends it."""

    response: httpx2.Response
    start: int

    def __iter__(self) -> Iterator[bytes]:
        return self.response.iter_bytes()


def _remote_file(entry: Any) -> RemoteFile:
    if entry.lfs is not None:
        return RemoteFile(entry.path, entry.size, sha256=entry.lfs.sha256)
    return RemoteFile(entry.path, entry.size, git_blob=entry.blob_id)
