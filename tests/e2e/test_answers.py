"""What a client gets from a real server, over HTTP and over gRPC."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest

from molmo2_client import AsyncMolmo2, Done, OperationDone, Progress
from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.results import Status

pytestmark = pytest.mark.e2e


def content(response):
    """What must not depend on how and in which company a question was asked."""
    results = [result.model_dump(exclude={"usage", "timing"}) for result in response.results]
    return response.video, results


def test_a_server_says_what_it_serves(client):
    info = client.info()
    assert info.model.name == "molmo2-demo"
    assert info.operations == list(OPERATION_NAMES)
    assert info.limits.max_video_bytes > 2**20
    assert info.embedding_dimension == 256


def test_six_operations_in_one_request(client, rendered):
    video = rendered[0]
    response = client.ask(video.path, video.truth.operations)
    assert [result.operation for result in response.results] == list(OPERATION_NAMES)
    assert {result.status for result in response.results} <= {Status.OK, Status.EMPTY}
    assert response.video.frame_count == video.truth.frame_count
    assert response.video.sampled.times == pytest.approx(video.truth.sample_times, abs=1e-6)
    point = response.results[0].points[0]
    assert point.frame in response.video.sampled.frames
    length = sum(x * x for x in response.results[5].embedding)
    assert length == pytest.approx(1, abs=1e-4)


def test_both_transports_and_both_ways_in_give_the_same_answer(stage, rendered):
    video = rendered[1]
    answers = []
    for transport in ("http", "grpc"):
        for media in ("upload", "path"):
            with stage.client(transport, media=media) as client:
                answers.append(content(client.ask(video.path, video.truth.operations)))
    assert all(answer == answers[0] for answer in answers)


def test_a_stream_ends_in_the_same_results(client, rendered):
    video = rendered[1]
    plain = client.ask(video.path, video.truth.operations)
    events = list(client.stream(video.path, video.truth.operations))
    assert isinstance(events[-1], Done)
    results = {e.index: e.result for e in events if isinstance(e, OperationDone)}
    assert sorted(results) == list(range(6))
    tracking = results[1]
    assert tracking.text == plain.results[1].text
    streamed = [p for e in events if isinstance(e, Progress) and e.index == 1 for p in e.points]
    final = {(track.id, p.time, p.x, p.y) for track in tracking.tracks for p in track.points}
    assert {(p.id, p.time, p.x, p.y) for p in streamed} <= final
    assert [e.generated_tokens for e in events if isinstance(e, Progress) and e.index == 4]


def test_a_second_question_about_a_video_decodes_and_prefills_nothing(client, rendered):
    video = rendered[2]
    client.describe(video.path, "What happens in this video?")
    again = client.ask(video.path, [{"operation": "describe", "prompt": "Describe this video."}])
    (result,) = again.results
    assert again.timing.decode == 0
    assert 0 < result.usage.cached_tokens < result.usage.prompt_tokens


def test_a_description_follows_the_callers_schema(client, rendered):
    colour = {"enum": ["red", "green", "blue", "yellow"]}
    count = {"type": "integer", "minimum": 0, "maximum": 9}
    schema = {
        "type": "object",
        "properties": {"colour": colour, "count": count},
        "required": ["colour", "count"],
        "additionalProperties": False,
    }
    result = client.describe(rendered[0].path, "Which shapes are there?", json_schema=schema)
    assert result.status is Status.OK
    assert json.loads(result.text) == result.data
    jsonschema.validate(result.data, schema)


def test_a_schema_that_cannot_be_followed_fails_alone(client, rendered):
    asked = {"operation": "describe", "prompt": "Which shapes are there?"}
    schema = {"type": "array", "uniqueItems": True}
    refused, fine = client.ask(rendered[0].path, [{**asked, "json_schema": schema}, asked]).results
    assert refused.error.kind == "invalid_request"
    assert refused.error.field == "operations[0].json_schema"
    assert "uniqueItems" in refused.error.message
    assert (fine.status, fine.data) == (Status.OK, None)


def test_what_the_model_writes_freely_has_the_same_form(client, rendered):
    asked = rendered[1].truth.operations[:2]
    free = [operation.model_copy(update={"constrained": False}) for operation in asked]
    response = client.ask(rendered[1].path, [*asked, *free])
    held, freely = response.results[:2], response.results[2:]
    assert [result.text for result in freely] == [result.text for result in held]


def test_many_at_once_get_the_answers_that_they_get_alone(stage, rendered):
    asked = [video for video in rendered for _ in range(2)]
    with stage.client("http") as http, stage.client("grpc") as grpc:
        alone = {v.path: content(http.ask(v.path, v.truth.operations)) for v in rendered}
        with ThreadPoolExecutor(8) as pool:
            calls = [
                pool.submit((http, grpc)[i % 2].ask, video.path, video.truth.operations)
                for i, video in enumerate(asked)
            ]
            for video, call in zip(asked, calls, strict=True):
                assert content(call.result()) == alone[video.path]


async def ask_asynchronously(stage, transport, video):
    url = stage.server.http_url if transport == "http" else stage.server.grpc_url
    async with AsyncMolmo2(url, model="molmo2-demo", key_file=stage.server.key_file) as client:
        plain = await client.ask(video.path, [{"operation": "embed"}])
        events = [event async for event in client.stream(video.path, [{"operation": "embed"}])]
    return plain, events


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_the_asynchronous_client_gets_the_same(stage, rendered, transport):
    plain, events = asyncio.run(ask_asynchronously(stage, transport, rendered[0]))
    assert events[0].result.embedding == pytest.approx(plain.results[0].embedding, abs=1e-6)
    assert isinstance(events[-1], Done)


def test_a_clip_is_told_in_seconds_of_the_whole_video(client, rendered):
    video = rendered[3]
    response = client.ask(video.path, [{"operation": "embed"}], start=1.0, end=2.0)
    assert response.video.sampled.times == pytest.approx([1.0, 1.5, 2.0], abs=1e-6)
    assert response.video.sampled.frames[0] > 1


def test_real_clips_are_answered(client, real_clips):
    frame_counts = {"bigbuckbunny": 132, "bikes": 250, "carphone_pristine": 120}
    for clip in real_clips:
        response = client.ask(
            clip,
            [
                {"operation": "pointing", "prompt": "face", "max_new_tokens": 64},
                {"operation": "describe", "prompt": "Describe this video.", "max_new_tokens": 64},
                {"operation": "embed"},
            ],
        )
        assert all(result.status is not Status.ERROR for result in response.results)
        assert response.video.frame_count == frame_counts[clip.stem]
        assert response.video.sampled.frames[-1] == response.video.frame_count
