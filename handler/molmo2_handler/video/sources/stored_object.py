"""Objects in stores: read strictly, and held against the buckets that are allowed."""

import re
from dataclasses import dataclass
from typing import Self

from molmo2_contract.errors import InvalidRequest, VideoForbidden
from molmo2_handler.video.limits import VideoLimits

_SHAPE = re.compile(r"(?P<store>[a-z0-9]+)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]*)/(?P<key>.+)")


@dataclass(frozen=True)
class StoredObject:
    """Where an object lies. ``key`` is taken as written: nothing in it is percent-decoded."""

    store: str
    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Raises ValueError for what a store, or a library on the way, might read otherwise."""
        scheme, colon, rest = uri.partition(":")
        parts = _SHAPE.fullmatch(scheme.lower() + colon + rest)
        if parts is None:
            raise ValueError("it is not of the form s3://bucket/key")
        key = parts["key"]
        if not key.isprintable() or any(sign in key for sign in "?#\\"):
            raise ValueError("'?', '#', '\\' and unprintable characters are not taken in a key")
        if any(part in ("", ".", "..") for part in key.split("/")):
            raise ValueError("a key may not have empty parts, nor '.' or '..' for one")
        return cls(parts["store"], parts["bucket"], key)

    @property
    def path(self) -> str:
        return f"{self.bucket}/{self.key}"

    def __str__(self) -> str:
        return f"{self.store}://{self.path}"


def allowed_object(uri: str, limits: VideoLimits) -> StoredObject:
    """Raises InvalidRequest or VideoForbidden where ``uri`` is not one that may be fetched."""
    try:
        found = StoredObject.parse(uri)
    except ValueError as error:
        raise InvalidRequest(f"video.uri: {error}", field="video.uri") from None
    if not any(str(found).startswith(f"{prefix}/") for prefix in limits.allowed_buckets):
        raise VideoForbidden(
            f"{found} lies outside the buckets that this server may read (setting "
            "allowed_buckets); put it into one of them or send its bytes",
            field="video.uri",
        )
    return found
