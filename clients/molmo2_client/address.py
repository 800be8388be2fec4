"""The server's URL, taken apart."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, Self
from urllib.parse import urlsplit

from molmo2_client.errors import InvalidRequest

_PORTS = {"http": 80, "https": 443, "grpc": 7070, "grpcs": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, and for which protocol.

    http://127.0.0.1:8080          TorchServe's inference address
    https://example.org/molmo2     the same behind a gateway, under a path
    grpc://127.0.0.1:7070          TorchServe's gRPC inference port
    grpcs://example.org            the same with TLS
    """

    protocol: Literal["http", "grpc"]
    tls: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Takes ``url`` apart; a port that is left out is its scheme's usual one.

        Raises:
            InvalidRequest: unknown scheme, no host, impossible port, or a gRPC URL with a path.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _invalid(url, str(error)) from None
        if parts.scheme not in _PORTS:
            raise _invalid(url, f"its scheme must be one of {', '.join(_PORTS)}")
        if not parts.hostname:
            raise _invalid(url, "it names no host")
        protocol: Literal["http", "grpc"] = "grpc" if parts.scheme.startswith("grpc") else "http"
        path = parts.path.rstrip("/")
        if protocol == "grpc" and path:
            raise _invalid(url, f"gRPC has no path; remove {path!r}")
        return cls(
            protocol=protocol,
            tls=parts.scheme in ("https", "grpcs"),
            host=parts.hostname,
            port=_PORTS[parts.scheme] if port is None else port,
            path=path,
        )

    @property
    def authority(self) -> str:
        """``host:port``, with an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine, where no proxy of the environment can be meant."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        scheme = self.protocol + ("s" if self.tls else "")
        return f"{scheme}://{self.authority}{self.path}"


def _invalid(url: str, fault: str) -> InvalidRequest:
    return InvalidRequest(
        f"url: {url!r} is not a server's address: {fault}"
        " (expected e.g. http://127.0.0.1:8080 or grpc://127.0.0.1:7070)",
        field="url",
    )
