"""The HTTP transports against servers that TorchServe never is, but gateways and networks are."""

import asyncio
import json
from itertools import pairwise

import pytest
import stamina
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molmo2_client import AsyncMolmo2, Describe, Molmo2, Progress, errors, limits
from molmo2_client.address import Address
from molmo2_client.call import Call
from molmo2_client.settings import Settings
from molmo2_client.transport.http import AsyncHttpTransport, HttpTransport

URI = "file:///a.mp4"
QUESTION = Describe(prompt="why")
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
PROGRESS = b'data: {"event": "progress", "index": 0, "generated_tokens": 1}\n\n'


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _error(kind: str, **more: float) -> bytes:
    body = json.dumps({"error": {"kind": kind, "message": f"{kind} it is", **more}}).encode()
    return _answer("503 Refused", body)


def _split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


@pytest.fixture
def no_waits():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@given(
    values=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4),
    cuts=st.lists(st.integers(min_value=0), max_size=8),
    newline=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_events_are_whole_wherever_the_stream_is_cut(scripted, values, cuts, newline):
    documents = [json.dumps(value, ensure_ascii=False) for value in values]
    stream = "".join(f"data: {document}{newline}{newline}" for document in documents).encode()
    answer = STREAM_HEAD + b"".join(map(_chunk, _split(stream, cuts))) + _chunk(b"")
    scripted.answers += [answer, answer]
    expected = [document.encode() for document in documents]
    assert _messages(scripted.url) == expected
    assert asyncio.run(_messages_async(scripted.url)) == expected


def _messages(url: str) -> list[bytes]:
    transport = HttpTransport(Address.parse(url), Settings())
    try:
        return list(transport.stream(Call(b"{}", 5), None))
    finally:
        transport.close()


async def _messages_async(url: str) -> list[bytes]:
    transport = AsyncHttpTransport(Address.parse(url), Settings())
    try:
        return [message async for message in transport.stream(Call(b"{}", 5), None)]
    finally:
        await transport.close()


def test_an_unfinished_event_at_the_end_of_a_stream_is_none(scripted):
    scripted.answers = [STREAM_HEAD + _chunk(PROGRESS + b'data: {"event":') + _chunk(b"")]
    assert len(_messages(scripted.url)) == 1


def test_an_event_over_the_bound_is_a_protocol_error(scripted):
    scripted.answers = [STREAM_HEAD + _chunk(b"data: " + b"x" * 2000)]
    with (
        Molmo2(url=scripted.url, max_response_bytes=1000) as client,
        pytest.raises(errors.ProtocolError, match="1000 byte"),
    ):
        list(client.stream(URI, QUESTION))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_a_connection_lost_before_the_whole_answer_is_unreachable(scripted, answer):
    scripted.answers = [answer]
    with (
        Molmo2(url=scripted.url, retries=0) as client,
        pytest.raises(errors.ServerUnreachable, match="was lost"),
    ):
        client.ask(URI, QUESTION)


def test_a_stream_cut_off_after_an_event_is_not_asked_for_again(scripted, no_waits):
    scripted.requests.clear()
    scripted.answers = [STREAM_HEAD + _chunk(PROGRESS)]
    with Molmo2(url=scripted.url) as client:
        events = client.stream(URI, QUESTION)
        assert isinstance(next(events), Progress)
        with pytest.raises(errors.ServerUnreachable, match="was lost"):
            next(events)
    assert len(scripted.requests) == 1


def test_a_stream_refused_before_its_first_event_is_asked_for_again(scripted, no_waits):
    scripted.answers = [_error("overloaded"), STREAM_HEAD + _chunk(PROGRESS)]
    with Molmo2(url=scripted.url) as client:
        assert isinstance(next(client.stream(URI, QUESTION)), Progress)


@pytest.mark.parametrize("answer", [_error("overloaded"), _error("engine_unavailable"), b""])
def test_what_may_pass_is_asked_again_until_the_attempts_are_used_up(scripted, no_waits, answer):
    scripted.requests.clear()
    scripted.answers = [answer] * 3
    with Molmo2(url=scripted.url) as client, pytest.raises(errors.Molmo2Error):
        client.info()
    assert len(scripted.requests) == 3


def test_without_retries_there_is_one_attempt(scripted, no_waits):
    scripted.requests.clear()
    scripted.answers = [_error("overloaded")]
    with Molmo2(url=scripted.url, retries=0) as client, pytest.raises(errors.Overloaded):
        client.info()
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("kind", ["overloaded", "engine_unavailable"])
def test_a_server_may_be_asked_again_beyond_retries_and_the_timeout(scripted, monkeypatch, kind):
    monkeypatch.setattr(limits, "RETRY_JITTER", 0.0)
    refusals = limits.RETRIES + 2
    scripted.requests.clear()
    scripted.answers = [_error(kind, retry_after=0.02)] * refusals + [_error("internal")]
    with (
        Molmo2(url=scripted.url, timeout=0.01, retry_for=60) as client,
        pytest.raises(errors.InternalError),
    ):
        client.info()
    assert len(scripted.requests) == refusals + 1


def test_an_asynchronous_client_asks_again_as_long(scripted, monkeypatch):
    monkeypatch.setattr(limits, "RETRY_JITTER", 0.0)
    refusals = limits.RETRIES + 2
    scripted.requests.clear()
    refused = [_error("overloaded", retry_after=0.02)] * refusals
    scripted.answers = [*refused, _error("internal")]

    async def ask() -> None:
        async with AsyncMolmo2(url=scripted.url, timeout=0.01, retry_for=60) as client:
            with pytest.raises(errors.InternalError):
                await client.info()

    asyncio.run(ask())
    assert len(scripted.requests) == refusals + 1


def test_a_defect_of_the_server_is_not_asked_about_again(scripted, no_waits):
    scripted.requests.clear()
    scripted.answers = [_error("internal")]
    with Molmo2(url=scripted.url) as client, pytest.raises(errors.InternalError):
        client.info()
    assert len(scripted.requests) == 1


def test_a_gateways_path_goes_before_torchserves(scripted):
    scripted.requests.clear()
    scripted.answers = [_error("internal")]
    with (
        Molmo2(url=f"{scripted.url}/video/", model="a b/2.0", token="t") as client,
        pytest.raises(errors.InternalError),
    ):
        client.info()
    assert scripted.requests[0].startswith(b"POST /video/predictions/a%20b/2.0 HTTP/1.1\r\n")
    assert b"Authorization: Bearer t\r\n" in scripted.requests[0]
