"""What the answers to one request say, and which frames they are about."""

import pytest

from molmo2_contract.operations import Tracking
from molmo2_contract.request import Request
from molmo2_contract.results import Status
from molmo2_handler.video import open_video


def damaged(video):
    """The same video with a hole in the middle of its pictures."""
    content = bytearray(video.path.read_bytes())
    start, end = content.index(b"mdat") + 8, content.index(b"moov")
    hole = slice(start + (end - start) // 5, start + (end - start) * 2 // 5)
    content[hole] = bytes(hole.stop - hole.start)
    return bytes(content)


def test_all_six_operations_are_answered_in_the_order_of_the_request(responses, asked, model):
    first, _ = responses
    names = [operation.operation for operation in asked.operations]
    assert [result.operation for result in first.results] == names
    assert len(set(names)) == 6
    assert {result.status for result in first.results} <= {Status.OK, Status.EMPTY}
    assert first.model == model
    assert first.request_id == "first"


def test_the_answers_are_about_this_video(responses, unseen):
    (shape,) = unseen.truth.tracks
    pointing, tracking, describe, events, analysis, embed = responses[0].results
    assert (pointing.count, pointing.points[0].label) == (1, shape.name)
    assert tracking.tracks[0].label == shape.name
    assert shape.name in describe.text
    assert shape.name in events.events[0].description
    assert analysis.analysis.objects[0].description == shape.name
    assert sum(x * x for x in embed.embedding) == pytest.approx(1, abs=1e-5)


def test_a_second_request_gets_the_same_answers(responses):
    first, second = (
        [result.model_dump(exclude={"usage", "timing"}) for result in response.results]
        for response in responses
    )
    assert first == second
    assert responses[0].video == responses[1].video


def test_the_times_add_up(responses):
    for response in responses:
        timing = response.timing
        assert timing.plan + timing.decode + timing.engine == pytest.approx(timing.total)
        assert timing.plan > 0


def test_the_frames_of_the_response_are_those_that_were_decoded(
    responses, asked, limits, frame_size
):
    with open_video(asked.video, None, limits) as opened:
        numbers = opened.frames(frame_size).numbers
    for response in responses:
        assert response.video.sampled.frames == numbers
        for track in response.results[1].tracks:
            assert {point.frame for point in track.points} <= set(numbers)


def test_frames_that_stand_in_for_damaged_ones_are_named_also_when_they_are_held(
    answerer, unseen, limits, frame_size
):
    request = Request(operations=[Tracking(prompt=unseen.truth.prompt)], timeout=60)
    body = damaged(unseen)
    with open_video(request.video, body, limits) as opened:
        planned, numbers = opened.info.sampled.frames, opened.frames(frame_size).numbers
    assert numbers != planned
    for _ in range(2):
        response = answerer.respond(request, body, "r")
        assert response.video.sampled.frames == numbers
        (track,) = response.results[0].tracks
        assert {point.frame for point in track.points} <= set(numbers)
