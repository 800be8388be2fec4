import json
from typing import Any

import pytest

from molmo2_contract.operations import TemporalLocalization
from molmo2_contract.results import Status, TemporalLocalizationResult
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import read_answer


def localize(text: str, video: VideoInfo, truncated: bool = False) -> TemporalLocalizationResult:
    result = read_answer(TemporalLocalization(), text, truncated, video)
    assert isinstance(result, TemporalLocalizationResult)
    return result


def events(result: TemporalLocalizationResult) -> list[tuple[float, float, str]]:
    return [(event.start, event.end, event.description) for event in result.events]


def event(start: Any, end: Any, description: Any = "a") -> dict[str, Any]:
    return {"start": start, "end": end, "description": description}


A, B = event("00:01", "00:02"), event("00:03", "00:04", "b")
BOTH = [(1.0, 2.0, "a"), (3.0, 4.0, "b")]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([A, B]),
        json.dumps({"events": [A, B]}),
        json.dumps([{"events": A}, B]),
        f"{json.dumps(A)}\n{json.dumps(B)}",
        f"{json.dumps(A)}, {json.dumps(B)}",
        f"```json\n{json.dumps([A, B], indent=4)}\n```",
        f"Here: {json.dumps(A)} and {json.dumps(B)}. Use {{x}} to format.",
    ],
)
def test_several_events_are_read_however_they_are_strung_together(text: str, video: VideoInfo):
    result = localize(text, video)
    assert events(result) == BOTH
    assert (result.status, result.reason) == (Status.OK, None)


def test_one_event_stays_one_event(video: VideoInfo):
    assert events(localize(json.dumps(A), video)) == BOTH[:1]
    assert events(localize(json.dumps([A]), video)) == BOTH[:1]


def test_events_have_the_frames_of_their_times(video: VideoInfo):
    (found,) = localize(json.dumps(event("00:01", "00:29.5")), video).events
    assert (found.start_frame, found.end_frame) == (31, 886)


def test_descriptions_are_kept_letter_by_letter(video: VideoInfo):
    text = json.dumps(event("00:01", "00:02", "NASA launches iPhone  – 発射 "))
    assert events(localize(text, video)) == [(1.0, 2.0, "NASA launches iPhone  – 発射 ")]


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        (event("00:10", None), (10.0, 10.0, "a")),
        ({"start": "00:10", "description": "a"}, (10.0, 10.0, "a")),
        (event("00:10", "02:00"), (10.0, 30.0, "a")),
        (event("01:00", "02:00"), (30.0, 30.0, "a")),
        (event(3, 4.5), (3.0, 4.5, "a")),
        (event("0m03s", "00:04s"), (3.0, 4.0, "a")),
        (event("00:01", "00:02", 7), (1.0, 2.0, "7")),
        (event("00:01", "00:02", ["run", "jump"]), (1.0, 2.0, "run, jump")),
    ],
)
def test_what_can_be_understood_is_kept(
    item: dict[str, Any], kept: tuple[float, float, str], video: VideoInfo
):
    result = localize(json.dumps(item), video)
    assert (events(result), result.status) == ([kept], Status.OK)


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (event("abc", "00:02"), "without a start that can be read"),
        (event(None, "00:02"), "without a start that can be read"),
        (event(-3, "00:02"), "without a start that can be read"),
        (event("3 - 5", "00:02"), "without a start that can be read"),
        (event("00:01", "01:ab"), "with an end that cannot be read"),
        (event("00:05", "00:02"), "said to end before the start"),
        (event("00:01", "00:02", " "), "without a description"),
        ({"start": "00:01", "end": "00:02"}, "without a description"),
        ("a string", "not a JSON object"),
        (None, "not a JSON object"),
    ],
)
def test_what_cannot_be_understood_is_dropped_and_stated(item: Any, why: str, video: VideoInfo):
    beside_another = localize(json.dumps([item, A]), video)
    assert events(beside_another) == BOTH[:1]
    assert beside_another.status is Status.PARTIAL
    assert beside_another.reason == f"1 of 2 events was {why} and was dropped"

    alone = localize(json.dumps([item]), video)
    assert (alone.status, alone.events) == (Status.UNPARSED, [])
    assert alone.reason == f"1 of 1 events was {why} and was dropped"


@pytest.mark.parametrize("text", ["[]", '{"events": []}', "There are none.", "No events found."])
def test_no_events_is_empty(text: str, video: VideoInfo):
    result = localize(text, video)
    assert (result.status, result.reason, result.events) == (Status.EMPTY, None, [])


@pytest.mark.parametrize("text", ["A dog runs.", '"00:01"', "5", '{"start": oops}'])
def test_no_json_is_unparsed(text: str, video: VideoInfo):
    result = localize(text, video)
    assert (result.status, result.text) == (Status.UNPARSED, text)
    assert result.reason == "the answer does not hold events"


@pytest.mark.parametrize(
    "text", [json.dumps([A, B, A]), f"{json.dumps(A)} {json.dumps(B)} {json.dumps(A)}"]
)
def test_a_cut_off_answer_keeps_every_whole_event(text: str, video: VideoInfo):
    cut = text[: text.rindex("00:02") + 4]
    result = localize(cut, video, truncated=True)
    assert events(result) == BOTH
    assert (result.status, result.reason) == (
        Status.PARTIAL,
        "the token limit cut the answer off",
    )


def test_an_answer_that_breaks_off_by_itself_is_partial(video: VideoInfo):
    result = localize(json.dumps([A, B])[:-5], video)
    assert events(result) == BOTH[:1]
    assert (result.status, result.reason) == (
        Status.PARTIAL,
        "the answer breaks off or is malformed",
    )
