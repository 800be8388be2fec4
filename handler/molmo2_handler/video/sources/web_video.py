"""Videos behind ``http:`` and ``https:``."""

import re

from molmo2_contract.errors import VideoUnreadable
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.sources.allowance import Allowance
from molmo2_handler.video.sources.network_address import Resolve
from molmo2_handler.video.sources.remote import Transfer
from molmo2_handler.video.sources.web_address import allowed_web_address
from molmo2_handler.video.sources.web_client import Response, WebClient

_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-\d+/(?P<size>\d+)")  # RFC 9110 §14.4
_STRONG_TAG = re.compile(r'"[^"]+"')  # RFC 9110 §8.8.3; a weak one has W/ before it


class WebVideo:
    """A ``Remote``: one video on a web server, in ranges where that serves them."""

    def __init__(
        self, uri: str, limits: VideoLimits, allowance: Allowance, resolve: Resolve
    ) -> None:
        """Asks for the video, and reads no more than the header.

        Raises:
            InvalidRequest: the URI is malformed.
            TooLarge: it has more bytes than this server takes.
            Molmo2Error: what ``WebClient.get`` raises.
        """
        address = allowed_web_address(uri, limits)
        self.name = address.name
        self._client = WebClient(self.name, limits, allowance, resolve)
        self._first = self._client.get(address, {"Range": "bytes=0-"})
        try:
            self._address = self._first.address
            self._tag = self._first.field("etag")
            self.ranges, self.size = self._extent(self._first)
            if self.size is not None:
                allowance.check_size(self.size, self.name)
        except BaseException:
            self._first.close()
            raise
        self.identity: str | None = None
        if self.size is not None and self._tag is not None and _STRONG_TAG.fullmatch(self._tag):
            self.identity = repr((str(self._address), self._tag, self.size))

    def transfer(self, offset: int) -> Transfer:
        if offset == 0:
            return self._first.body()
        self._first.close()
        return self._continued(offset).body()

    def confirm(self) -> None:
        """Nothing is left to ask: all transfers had the same tag."""

    def close(self) -> None:
        self._first.close()

    def _extent(self, response: Response) -> tuple[bool, int | None]:
        """Whether there are ranges, and the size, if it is told."""
        if response.field("content-encoding") not in (None, "identity"):
            raise self._client.failed("sent it encoded, which was not asked for")
        if response.status == 206:
            first, size = self._range(response)
            if first != 0:
                raise self._client.failed("sent another range than it was asked for")
            return True, size
        length = response.field("content-length")
        return False, int(length) if length is not None else None

    def _continued(self, offset: int) -> Response:
        condition = {"If-Range": self._tag} if self.identity and self._tag else {}
        response = self._client.get(self._address, {"Range": f"bytes={offset}-", **condition})
        same = response.status == 206 and response.field("etag") == self._tag
        if not same or self._range(response) != (offset, self.size):
            response.close()
            raise VideoUnreadable(f"{self.name} changed while it was read", field="video.uri")
        return response

    def _range(self, response: Response) -> tuple[int, int]:
        """The first byte of a partial response, and the size of the whole."""
        found = _CONTENT_RANGE.fullmatch(response.field("content-range") or "")
        if found is None:
            raise self._client.failed("sent a range without saying which")
        return int(found["first"]), int(found["size"])
