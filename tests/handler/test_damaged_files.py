"""Damaged videos through the real handler and engine, with good ones between them."""

import itertools
import json
import time
from collections.abc import Callable

import pytest
from damage import damaged_files

from molmo2_contract.response import ErrorResponse, Response
from molmo2_contract.results import Status

FILES = 150
PART = 25
TIMEOUT = 20.0
"""Seconds that a request gives itself."""
GRACE = 5.0
"""Seconds in which its last packet may still be decoded, on a busy machine."""
DOCUMENT = {"operations": [{"operation": "embed"}], "video": {"max_frames": 4}, "timeout": TIMEOUT}

Ask = Callable[[bytes], bytes]


@pytest.fixture
def ask(handler, front_end) -> Ask:
    """What comes back for a video's bytes."""

    def ask(content: bytes) -> bytes:
        parts = [("request", json.dumps(DOCUMENT).encode(), ""), ("video", content, "")]
        (reply,) = front_end.ask(handler.handle, parts, {"explain": "False"})
        return reply.body

    return ask


def check(body: bytes) -> None:
    """An answer, or an error of the tree."""
    if b'"error":{"kind"' not in body[:100]:
        Response.model_validate_json(body)
        return
    error = ErrorResponse.model_validate_json(body).error
    assert error.kind != "internal", error.message
    assert error.message


@pytest.mark.parametrize("first", range(0, FILES, PART))
def test_every_damaged_file_is_answered_or_refused_in_time_and_good_ones_succeed(
    first: int, ask: Ask, video
) -> None:
    good = video.path.read_bytes()
    for place, damaged in zip(itertools.count(), damaged_files(PART, first)):
        began = time.monotonic()
        check(ask(damaged.content))
        assert time.monotonic() - began < TIMEOUT + GRACE, damaged.name
        if place % 10 == 0:
            (result,) = Response.model_validate_json(ask(good)).results
            assert result.status is Status.OK
