"""Addresses on the web: read strictly, and held against the hosts that are allowed."""

import re
from dataclasses import dataclass
from typing import Self

from molmo2_contract.errors import InvalidRequest, VideoForbidden
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.sources.host import canonical_host

_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]+")  # RFC 3986, without '#'
_SHAPE = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<target>.*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(:(?P<port>[0-9]{1,5}))?")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class WebAddress:
    """An ``http:`` or ``https:`` URI, taken apart. ``host`` is as ``canonical_host`` gives it."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Raises ValueError where ``uri`` is not one that every program would read alike."""
        if not _CHARACTERS.fullmatch(uri):
            raise ValueError(
                "it has characters that a URI may not have, or a fragment: percent-encode them"
            )
        parts = _SHAPE.fullmatch(uri)
        if parts is None:
            raise ValueError("it is not of the form http://host/path or https://host/path")
        if "@" in parts["authority"]:
            raise ValueError("names and passwords are not taken; leave out what precedes the '@'")
        authority = _AUTHORITY.fullmatch(parts["authority"])
        if authority is None:
            raise ValueError("after its host there may only be ':' and a port")
        scheme = parts["scheme"].lower()
        port = int(authority["port"]) if authority["port"] else _PORTS[scheme]
        if port > 65535:
            raise ValueError(f"there is no port {port}")
        target = parts["target"]
        target = target if target.startswith("/") else f"/{target}"
        return cls(scheme, canonical_host(authority["host"]), port, target)

    @property
    def authority(self) -> str:
        """What the ``Host`` field says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def name(self) -> str:
        """For messages: without the query, which may hold a signature."""
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def allowed_web_address(uri: str, limits: VideoLimits) -> WebAddress:
    """Raises InvalidRequest or VideoForbidden where ``uri`` is not one that may be fetched."""
    try:
        address = WebAddress.parse(uri)
    except ValueError as error:
        raise InvalidRequest(f"video.uri: {error}", field="video.uri") from None
    check_allowed(address, limits)
    return address


def check_allowed(address: WebAddress, limits: VideoLimits) -> None:
    """Raises VideoForbidden where host or port are not allowed."""
    if not any(_matches(address.host, pattern) for pattern in limits.allowed_hosts):
        raise VideoForbidden(
            f"{address.host} is not a host that this server may fetch videos from (setting "
            "allowed_hosts); choose another or send the video's bytes",
            field="video.uri",
        )
    if address.port not in limits.allowed_ports:
        ports = ", ".join(map(str, limits.allowed_ports))
        raise VideoForbidden(
            f"port {address.port} is not one that this server may connect to: {ports} (setting "
            "allowed_ports)",
            field="video.uri",
        )


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
