"""Opening a video of the test web server as a request would."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from molmo2_contract.errors import Molmo2Error
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.source import Source, open_source

MEBIBYTE = 2**20
CONTENT = np.random.default_rng(0).bytes(3 * MEBIBYTE)


def limits_for(web, **settings) -> VideoLimits:
    allowed = {
        "allowed_hosts": ("videos.example",),
        "allowed_ports": (web.port,),
        "allowed_addresses": (f"{web.host}/32",),
    }
    return VideoLimits(**{**allowed, **settings})


@contextmanager
def opened(web, path: str = "/a.mp4", *, deadline=None, **settings) -> Iterator[Source]:
    uri = f"http://videos.example:{web.port}{path}"
    resolve = lambda host, port: [web.host]  # noqa: E731
    source = open_source(Video(uri=uri), None, limits_for(web, **settings), deadline, resolve)
    with source.file:
        yield source


def refusal(web, path: str = "/a.mp4", *, deadline=None, **settings) -> Molmo2Error:
    with (
        pytest.raises(Molmo2Error) as caught,
        opened(web, path, deadline=deadline, **settings) as source,
    ):
        source.file.read()
    return caught.value
