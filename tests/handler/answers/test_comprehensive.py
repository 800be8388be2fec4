import json
from typing import Any

import pytest

from molmo2_contract.operations import Comprehensive
from molmo2_contract.results import Activities, Analysis, ComprehensiveResult, SceneInfo, Status
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import read_answer

WHOLE = {
    "summary": "NASA launches an iPhone.",
    "objects": [{"name": "BMW M3", "first_appears": "00:01", "last_appears": "00:09"}],
    "events": [{"start": "00:02", "end": "00:04", "description": "It starts"}],
    "text_content": [{"start": "00:00", "end": "00:30", "text": "NYC"}],
    "scene_info": {"setting": "street", "time_of_day": "night", "location_type": "outdoor"},
    "activities": {"primary_activity": "driving", "secondary_activities": "running, jumping"},
}


def analyse(answer: Any, video: VideoInfo, truncated: bool = False) -> ComprehensiveResult:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    result = read_answer(Comprehensive(), text, truncated, video)
    assert isinstance(result, ComprehensiveResult)
    assert result.text == text
    return result


def analysis_of(answer: Any, video: VideoInfo) -> Analysis:
    result = analyse(answer, video)
    assert (result.status, result.reason) == (Status.OK, None)
    assert result.analysis is not None
    return result.analysis


def test_an_analysis_is_read_whole(video: VideoInfo):
    assert analysis_of(WHOLE, video).model_dump() == {
        "summary": "NASA launches an iPhone.",
        "objects": [
            {"start": 1.0, "end": 9.0, "start_frame": 31, "end_frame": 271, "description": "BMW M3"}
        ],
        "events": [
            {
                "start": 2.0,
                "end": 4.0,
                "start_frame": 61,
                "end_frame": 121,
                "description": "It starts",
            }
        ],
        "text_content": [
            {"start": 0.0, "end": 30.0, "start_frame": 1, "end_frame": 900, "description": "NYC"}
        ],
        "scene_info": {"setting": "street", "time_of_day": "night", "location_type": "outdoor"},
        "activities": {
            "primary_activity": "driving",
            "secondary_activities": ["running", "jumping"],
        },
    }


@pytest.mark.parametrize("wrapped", ["```json\n%s\n```", "Sure: %s See {x}.", "[%s]"])
def test_what_stands_around_it_does_not_matter(wrapped: str, video: VideoInfo):
    assert analysis_of(wrapped % json.dumps(WHOLE), video) == analysis_of(WHOLE, video)


def test_of_two_objects_the_fuller_one_is_the_analysis(video: VideoInfo):
    assert (
        analysis_of(f'{{"summary": "x"}}\n{json.dumps(WHOLE)}', video).summary == WHOLE["summary"]
    )


def test_any_key_may_be_missing(video: VideoInfo):
    assert analysis_of({"summary": "x"}, video) == Analysis(summary="x")
    assert analysis_of({"scene_info": {"setting": "park"}}, video) == Analysis(
        scene_info=SceneInfo(setting="park")
    )


def test_lists_and_numbers_stand_in_for_strings(video: VideoInfo):
    found = analysis_of(
        {"summary": ["A.", "B."], "scene_info": {"setting": ["a", "b"], "time_of_day": 12}}, video
    )
    assert found.summary == "A., B."
    assert found.scene_info == SceneInfo(setting="a, b", time_of_day="12")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("walk, run", ["walk", "run"]),
        ("walk", ["walk"]),
        (["walk", "run, fast"], ["walk", "run, fast"]),
        ([], []),
        ("", []),
        (None, []),
        ([None, "walk", 3], ["walk", "3"]),
    ],
)
def test_secondary_activities_are_always_a_list(written: Any, read: list[str], video: VideoInfo):
    answer = {"activities": {"primary_activity": "x", "secondary_activities": written}}
    assert analysis_of(answer, video).activities == Activities(
        primary_activity="x", secondary_activities=read
    )


def test_one_object_stands_in_for_a_list_of_one(video: VideoInfo):
    found = analysis_of({"objects": WHOLE["objects"][0], "events": WHOLE["events"][0]}, video)
    assert [event.description for event in found.objects] == ["BMW M3"]
    assert [event.description for event in found.events] == ["It starts"]


def test_an_object_that_never_leaves_ends_where_it_starts(video: VideoInfo):
    (found,) = analysis_of({"objects": [{"name": "x", "first_appears": "00:05"}]}, video).objects
    assert (found.start, found.end) == (5.0, 5.0)


def test_what_cannot_be_read_is_dropped_and_stated(video: VideoInfo):
    result = analyse(
        {
            **WHOLE,
            "objects": [*WHOLE["objects"], {"name": "dog"}, "cat"],
            "text_content": "EXIT",
            "scene_info": "a street at night",
            "activities": ["driving"],
        },
        video,
    )
    assert result.status is Status.PARTIAL
    assert result.reason is not None
    assert result.reason.split("; ") == [
        "1 of 3 objects was without a start that can be read and was dropped",
        "1 of 3 objects was not a JSON object and was dropped",
        "1 of 1 text_content was not a JSON object and was dropped",
        "scene_info was not a JSON object and was dropped",
        "activities was not a JSON object and was dropped",
    ]
    assert result.analysis is not None
    assert len(result.analysis.objects) == len(result.analysis.events) == 1


def test_a_cut_off_analysis_keeps_what_is_whole(video: VideoInfo):
    text = json.dumps(WHOLE)
    result = analyse(text[: text.index("night") + 2], video, truncated=True)
    assert (result.status, result.reason) == (
        Status.PARTIAL,
        "the token limit cut the answer off",
    )
    whole = analysis_of(WHOLE, video)
    assert result.analysis == whole.model_copy(
        update={"scene_info": SceneInfo(setting="street"), "activities": Activities()}
    )


def test_an_answer_that_is_no_analysis_is_unparsed_and_no_summary(video: VideoInfo):
    for answer in ("A dog runs.", '"text"', "5", "{}", '{"note": 1}', '["a", "b"]', "[[1]]"):
        result = analyse(answer, video)
        assert (result.status, result.analysis) == (Status.UNPARSED, None)
        assert result.reason == "the answer does not hold an analysis"


def test_an_analysis_that_says_nothing_is_empty(video: VideoInfo):
    result = analyse({"summary": "", "objects": [], "scene_info": {}}, video)
    assert (result.status, result.analysis) == (Status.EMPTY, Analysis())
    assert analyse("There is nothing in the video.", video).status is Status.EMPTY
