"""The images of a call: what the request says of them, and what travels with it."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TypedDict
from uuid import uuid4

from molmo2_client.call import several
from molmo2_client.errors import InvalidRequest
from molmo2_client.media import VideoLike, resolve
from molmo2_client.settings import Settings
from molmo2_client.upload import check
from molmo2_contract.images import ImageOperation, ImagesRequest
from molmo2_contract.request import parse_request

ImageLike = bytes | str | PathLike[str]
"""Bytes of a file, a path, or a URI that the server opens."""

Images = ImageLike | Iterable[ImageLike]
"""One image or several, in order."""

ImageOperationLike = ImageOperation | Mapping[str, object] | str

ImageOperations = ImageOperationLike | Iterable[ImageOperationLike]


class ImageOptions(TypedDict, total=False):
    """What a question about images may also say; see ``Options``."""

    timeout: float | None
    request_id: str | None


def listed(images: Images) -> list[ImageLike]:
    """``images`` as a list, also if it is one."""
    return [images] if isinstance(images, bytes | str | PathLike) else list(images)


def told(images: Sequence[ImageLike], sent: Sequence[bytes | Path]) -> Mapping[str, VideoLike]:
    """The images that the server opens itself, by the field that names each; see ``explained``."""
    return {} if sent else {f"images[{place}]": image for place, image in enumerate(images)}


def compose_images(
    settings: Settings,
    images: Sequence[ImageLike],
    operations: ImageOperations,
    *,
    timeout: float | None = None,
    request_id: str | None = None,
) -> tuple[ImagesRequest, Sequence[bytes | Path]]:
    """The request that the arguments of a question make, and the bytes or files to send.

    Raises:
        InvalidRequest: naming the first field at fault, or if some images are to be sent and the
            server is to open others.
        TooLarge, VideoNotFound, VideoForbidden, VideoUnreadable: see ``upload.check``.
    """
    found = [resolve(image, settings.media, settings.media_prefixes) for image in images]
    uris = [described["uri"] for described, source in found if source is None]
    sent = [source for _, source in found if source is not None]
    if (uris and sent) or not found:
        raise InvalidRequest(
            "images: name all as URIs, or send the bytes of all: one of the two", field="images"
        )
    request = parse_request(
        {
            "images": uris,
            "operations": several(operations),
            "timeout": settings.timeout if timeout is None else timeout,
            "request_id": uuid4().hex if request_id is None else request_id,
        }
    )
    assert isinstance(request, ImagesRequest)
    check(sent, settings.max_upload_bytes, "images")
    return request, sent
