"""What the two clients share: their settings, their credentials, and how a question is put."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Generic, TypeVar

from molmo2_client.call import Operations, Options, compose
from molmo2_client.credentials import Credentials
from molmo2_client.errors import InvalidRequest
from molmo2_client.media import VideoLike
from molmo2_client.settings import Media, Settings
from molmo2_client.upload import Source
from molmo2_contract.request import Request

T = TypeVar("T")


class BaseClient(ABC, Generic[T]):
    """A client over a transport of type ``T``.

    Every argument can come from the environment instead (``MOLMO2_URL``, ``MOLMO2_KEY_FILE``, …);
    what neither gives has the default of ``Settings``.

    Args:
        url: ``http(s)://host:8080`` or ``grpc(s)://host:7070``; the scheme picks the transport.
        model: the name that the archive is registered with; ``name/version`` where that is not
            the default one of several versions.
        token: the bearer token.
        key_file: TorchServe's ``key_file.json``, which holds the token and is read again when
            TorchServe has written a new one.
        ca_file: PEM of the authorities to trust with TLS, in place of the system's.
        timeout: seconds that the server gets for a request, unless the call says otherwise.
        retries: attempts after the first while the server is busy, restarting or out of reach,
            as long as a request's ``timeout`` has not passed.
        retry_for: seconds from the first refusal on for which such a server is asked again, in
            place of ``retries`` and however short ``timeout`` is: as long as a server may take to
            start. 0 tries once.
        media: "upload" sends the bytes of a local file (from the disk over HTTP; over gRPC they
            are in memory while the call lasts), "path" its path, for a server that can read it,
            and "uri" where the server has it by ``media_prefixes``, and nothing else.
        media_prefixes: folder here to the same folder there, a path or a URI:
            ``{"/data": "s3://bucket/data"}``. The longest that begins a path counts.
        max_upload_bytes: bytes of a video that travels with its request.
        max_response_bytes: bytes of one answer (gRPC) or one event.
        deadline_margin: seconds that the transport waits beyond ``timeout``.
        connect_timeout: seconds for a connection to be made (HTTP).

    Raises:
        InvalidRequest: a setting is out of its bounds, or the URL is none.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        model: str | None = None,
        token: str | None = None,
        key_file: str | PathLike[str] | None = None,
        ca_file: str | PathLike[str] | None = None,
        timeout: float | None = None,
        retries: int | None = None,
        retry_for: float | None = None,
        media: Media | None = None,
        media_prefixes: Mapping[str, str] | None = None,
        max_upload_bytes: int | None = None,
        max_response_bytes: int | None = None,
        deadline_margin: float | None = None,
        connect_timeout: float | None = None,
    ) -> None:
        self.settings = Settings.load(
            url=url,
            model=model,
            token=token,
            key_file=None if key_file is None else Path(key_file),
            ca_file=None if ca_file is None else Path(ca_file),
            timeout=timeout,
            retries=retries,
            retry_for=retry_for,
            media=media,
            media_prefixes=media_prefixes,
            max_upload_bytes=max_upload_bytes,
            max_response_bytes=max_response_bytes,
            deadline_margin=deadline_margin,
            connect_timeout=connect_timeout,
        )
        if media_prefixes and self.settings.media == "upload":
            raise InvalidRequest(
                "media_prefixes: mean nothing for uploads; give media='path' or media='uri' too",
                field="media_prefixes",
            )
        secret = self.settings.token
        self._credentials = Credentials(
            None if secret is None else secret.get_secret_value(), self.settings.key_file
        )
        self._transport = self._connect()

    @abstractmethod
    def _connect(self) -> T: ...

    def _compose(
        self, video: VideoLike, operations: Operations, options: Options, *, stream: bool
    ) -> tuple[Request, Source]:
        return compose(self.settings, video, operations, stream=stream, **options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self.settings.url!r}, model={self.settings.model!r})"
