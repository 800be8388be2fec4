"""One call, ready for any transport."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypedDict
from uuid import uuid4

from pydantic import BaseModel

from molmo2_client.media import VideoLike, resolve
from molmo2_client.settings import Settings
from molmo2_client.upload import Source, check
from molmo2_client.video_key import HEADER, video_key
from molmo2_contract.images import PART_PREFIX, ImagesRequest
from molmo2_contract.operations import Operation
from molmo2_contract.request import InfoRequest, Request, parse_request

OperationLike = Operation | Mapping[str, Any] | str
"""An operation of the contract, the same as a dict: ``{"operation": "pointing", …}``, or its name
where it needs no prompt."""

Operations = OperationLike | Iterable[OperationLike]
"""One operation or several."""


class Options(TypedDict, total=False):
    """What any question may also say; left out or None stands for the default.

    start, end: seconds of the whole video; only this part is looked at.
    max_frames, max_fps: how densely it is sampled.
    timeout: seconds that the server gets.
    request_id: comes back in the answer and in errors, and stands in the server's and the gateway's
        logs; without it the client makes one.
    """

    start: float | None
    end: float | None
    max_frames: int | None
    max_fps: float | None
    timeout: float | None
    request_id: str | None


REQUEST_ID_HEADER = "x-request-id"
"""Of HTTP, and in gRPC's metadata."""

_SAYABLE = re.compile(r"[!-~]+")
"""What both can carry; an id of other characters is in the request alone."""


@dataclass(frozen=True, slots=True)
class Call:
    """The request's JSON, the server's seconds, and by name what travels with the JSON."""

    document: bytes
    timeout: float
    parts: Mapping[str, bytes | Path] = field(default_factory=dict)
    video_key: str | None = None
    """For routers: the same for every request about one video."""
    request_id: str | None = None
    """For gateways: the request's own, so that one id is in every log."""

    @classmethod
    def ask(cls, request: Request, video: Source) -> Self:
        """The call that sends ``request``, with the video's bytes if they travel."""
        parts = {} if video is None else {"video": video}
        document = request.model_dump_json(exclude_none=True).encode()
        key = video_key(request.video.uri, video)
        return cls(document, request.timeout, parts, key, request.request_id)

    @classmethod
    def ask_images(cls, request: ImagesRequest, images: Sequence[bytes | Path]) -> Self:
        """The call that sends ``request``, with the images' bytes if they travel."""
        parts = {f"{PART_PREFIX}{number}": image for number, image in enumerate(images, start=1)}
        document = request.model_dump_json(exclude_none=True).encode()
        return cls(document, request.timeout, parts, request_id=request.request_id)

    @property
    def headers(self) -> dict[str, str]:
        """What the call says to those between here and the server, which do not read its JSON."""
        said = {HEADER: self.video_key, REQUEST_ID_HEADER: self.request_id}
        return {name: value for name, value in said.items() if value and _SAYABLE.fullmatch(value)}

    @classmethod
    def info(cls, timeout: float) -> Self:
        """The call that asks what the server serves."""
        return cls(InfoRequest(info=True).model_dump_json().encode(), timeout)


def compose(
    settings: Settings,
    video: VideoLike,
    operations: Operations,
    *,
    stream: bool,
    timeout: float | None = None,
    request_id: str | None = None,
    **sampling: float | None,
) -> tuple[Request, Source]:
    """The request that the arguments of a question make, and the video's bytes or file to send.

    Raises:
        InvalidRequest: naming the first field at fault, before anything is read or sent.
        TooLarge, VideoNotFound, VideoForbidden, VideoUnreadable: see ``upload.check``.
    """
    described, source = resolve(video, settings.media, settings.media_prefixes)
    given = {name: value for name, value in sampling.items() if value is not None}
    request = parse_request(
        {
            "video": described | given,
            "operations": several(operations),
            "timeout": settings.timeout if timeout is None else timeout,
            "stream": stream,
            "request_id": uuid4().hex if request_id is None else request_id,
        }
    )
    assert isinstance(request, Request)  # what it is depends on its keys
    check([] if source is None else [source], settings.max_upload_bytes)
    return request, source


def several(operations: Operations) -> list[Operation | Mapping[str, Any]]:
    """``operations`` as a list, also if it is one; a name becomes the operation without more."""
    if isinstance(operations, Mapping | BaseModel | str):
        return several([operations])
    return [{"operation": each} if isinstance(each, str) else each for each in operations]
