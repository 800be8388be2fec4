"""Connections to the addresses that were checked, and to no others."""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.sources.allowance import Allowance
from molmo2_handler.video.sources.network_address import Resolve, checked_addresses


class CheckedBackend(httpcore2.NetworkBackend):
    """Resolves a host once and connects to what it checked, so no second answer can differ.

    Certificates are verified, and ``Host`` is sent, by the host's name all the same.
    """

    def __init__(self, limits: VideoLimits, allowance: Allowance, resolve: Resolve) -> None:
        self._networks = limits.allowed_addresses
        self._allowance = allowance
        self._resolve = resolve
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Tries the addresses one after the other, each for its share of the time left."""
        addresses = checked_addresses(host, port, self._networks, self._allowance, self._resolve)
        failure: Exception | None = None
        for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            left = self._allowance.remaining()
            share = left and left / untried
            try:
                stream = self._sockets.connect_tcp(address, port, share, None, socket_options or ())
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _CountedStream(stream, self._allowance)
        assert failure is not None
        raise failure


class _CountedStream(httpcore2.NetworkStream):
    """A connection on which every wait ends with the allowance, and every byte counts."""

    def __init__(self, stream: httpcore2.NetworkStream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        received = self._stream.read(max_bytes, self._allowance.remaining())
        self._allowance.spend(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._allowance.remaining())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._allowance.remaining()
        encrypted = self._stream.start_tls(ssl_context, server_hostname, left)
        return _CountedStream(encrypted, self._allowance)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
