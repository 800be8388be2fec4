"""What a second call asks, what it keeps, and what it replaces."""

import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_contract.errors import (
    EngineUnavailable,
    InvalidRequest,
    Unauthorized,
    VideoUnreadable,
)
from molmo2_contract.operations import Describe, Embed, Pointing, Tracking

NOSE = Pointing(prompt="nose")


def label(view, operations, client, **settings):
    return label_dataset(view, operations, client=client, progress=False, **settings)


def unreadable(*names):
    def meanwhile(name):
        if name in names:
            raise VideoUnreadable(f"{name} is no video")

    return meanwhile


def test_a_second_call_asks_only_what_failed_and_a_third_nothing(make_dataset, answerer):
    dataset = make_dataset(12)
    answerer.meanwhile = unreadable("03.mp4", "05.mp4")
    label(dataset, [NOSE, "embed"], answerer)

    answerer.requests.clear()
    answerer.meanwhile = unreadable()
    second = label(dataset, [NOSE, "embed"], answerer)
    asked = answerer.asked
    third = label(dataset, [NOSE, "embed"], answerer)

    assert asked == [("03.mp4", ["pointing", "embed"]), ("05.mp4", ["pointing", "embed"])]
    assert (second.finished, second.labelled, second.failed) == (10, 2, 0)
    assert (third.finished, third.labelled) == (12, 0)
    assert len(answerer.requests) == 2
    assert dataset.count_values("molmo2_run.status") == {"ok": 12}


def test_only_the_operations_without_an_answer_are_asked_again(make_dataset, answerer):
    dataset = make_dataset(1, question=["fail"])
    operations = [NOSE, {"operation": "describe"}]
    label(dataset, operations, answerer, prompt_field="question")

    label(dataset, [Pointing(prompt="fail"), Describe(prompt="What is it?")], answerer)

    assert [names for _, names in answerer.asked] == [
        ["pointing", "describe"],
        ["pointing", "describe"],
    ]


def test_operations_of_a_later_call_join_the_same_run_record(make_dataset, answerer):
    dataset = make_dataset(1)

    label(dataset, [NOSE], answerer)
    label(dataset, [NOSE, Describe(prompt="What is it?")], answerer)

    run = dataset.first().molmo2_run
    assert answerer.asked == [("00.mp4", ["describe"]), ("00.mp4", ["pointing"])]
    assert (run.pointing.prompt, run.describe.prompt) == ("nose", "What is it?")
    assert dataset.count("frames.molmo2_points.keypoints") == 4


def test_another_prompt_is_refused_before_the_first_request(make_dataset, answerer):
    dataset = make_dataset(2)
    label(dataset, [NOSE], answerer)
    answerer.requests.clear()

    with pytest.raises(ValueError, match=r"2 answers .*pointing was 'nose', is 'hand'.*overwrite"):
        label(dataset, [Pointing(prompt="hand")], answerer)

    assert answerer.requests == []


def test_another_pooling_is_another_question(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, [Embed(pooling="mean")], answerer)

    with pytest.raises(ValueError, match="embed was 'mean', is 'max'"):
        label(dataset, [Embed(pooling="max")], answerer)


@pytest.mark.parametrize(
    ("changed", "is_now"),
    [
        ({"max_new_tokens": 64}, r'is \'What\?\' with {"max_new_tokens": 64}'),
        ({"temperature": 0.5, "seed": 1}, r'is .* with {"seed": 1, "temperature": 0.5}'),
        ({"json_schema": {"type": "integer"}}, r'is .* with {"json_schema": "[0-9a-f]{16}"}'),
    ],
)
def test_another_setting_of_an_operation_is_another_question(
    make_dataset, answerer, changed, is_now
):
    dataset = make_dataset(1)
    label(dataset, [Describe(prompt="What?")], answerer)

    with pytest.raises(ValueError, match=rf"describe was 'What\?', {is_now}"):
        label(dataset, [Describe(prompt="What?", **changed)], answerer)
    label(dataset, [Describe(prompt="What?", **changed)], answerer, overwrite=True)
    again = label(dataset, [Describe(prompt="What?", **changed)], answerer)

    assert again.finished == 1
    assert len(answerer.requests) == 2


def test_another_schema_is_another_question(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, [Describe(prompt="How many?", json_schema={"type": "integer"})], answerer)

    with pytest.raises(ValueError, match="to another question"):
        label(dataset, [Describe(prompt="How many?", json_schema={"type": "string"})], answerer)


def test_an_operation_without_a_prompt_may_be_another_question_too(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, ["comprehensive"], answerer)

    with pytest.raises(ValueError, match=r'comprehensive was .*default, is {"constrained": false}'):
        label(dataset, {"operation": "comprehensive", "constrained": False}, answerer)


def test_a_setting_that_is_the_default_all_the_same_is_no_other_question(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, [NOSE], answerer)

    said = Pointing(prompt="nose", max_new_tokens=2048, constrained=True)
    assert label(dataset, [said], answerer, max_frames=384, max_fps=2).finished == 1


def test_a_record_of_an_earlier_version_stands_for_the_defaults(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, [NOSE, "embed"], answerer)
    dataset._sample_collection.update_many(
        {}, {"$unset": {"molmo2_run.pointing.settings": 1, "molmo2_run.embed.settings": 1}}
    )
    dataset.reload()

    assert label(dataset, [NOSE, "embed"], answerer).finished == 1
    with pytest.raises(ValueError, match="to another question"):
        label(dataset, [NOSE], answerer, max_frames=8)


def test_frames_are_sampled_as_asked_and_another_sampling_is_another_question(
    make_dataset, answerer
):
    dataset = make_dataset(1)
    label(dataset, [NOSE], answerer, max_frames=8, max_fps=1)

    with pytest.raises(ValueError, match=r'was .*"max_fps": 1.0, "max_frames": 8}, is \'nose\''):
        label(dataset, [NOSE], answerer)

    assert answerer.samplings == [(8, 1)]
    assert label(dataset, [NOSE], answerer, max_frames=8, max_fps=1).finished == 1


@pytest.mark.parametrize("wrong", [{"max_frames": 1}, {"max_fps": 11}])
def test_a_sampling_out_of_bounds_is_refused_at_once(make_dataset, answerer, wrong):
    with pytest.raises(InvalidRequest, match=r"video\.max_"):
        label(make_dataset(1), [NOSE], answerer, **wrong)

    assert answerer.requests == []


def test_a_deleted_field_is_filled_again(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, [NOSE, "embed"], answerer)
    dataset.delete_sample_field("molmo2_embedding")

    label(dataset, [NOSE, "embed"], answerer)

    assert answerer.requests[1:] == [("00.mp4", [Embed()])]
    assert dataset.first().molmo2_embedding is not None


def test_overwriting_replaces_every_earlier_label(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, [NOSE, Describe(prompt="What is it?")], answerer)

    label(dataset, [Pointing(prompt="nothing"), "embed"], answerer, overwrite=True)

    sample = dataset.first()
    assert [f for f in sample.frames if sample.frames[f].molmo2_points] == [1]
    assert dataset.count("frames.molmo2_points.keypoints") == 0
    assert sample.molmo2_run.pointing.prompt == "nothing"
    assert sample.molmo2_description == "an answer to What is it?"  # was not asked again


def test_overwriting_one_sample_leaves_the_others(make_dataset, answerer):
    dataset = make_dataset(2)
    label(dataset, [NOSE], answerer)

    label(dataset.limit(1), [Pointing(prompt="hand")], answerer, overwrite=True)

    labels = dataset.values("frames.molmo2_points.keypoints.label", unwind=False)
    assert [sample[0] for sample in labels] == [["hand"], ["nose"]]


def test_an_error_leaves_the_earlier_labels(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, [NOSE, Describe(prompt="What is it?")], answerer)
    answerer.meanwhile = unreadable("00.mp4")

    label(dataset, [NOSE, Describe(prompt="What else?")], answerer, overwrite=True)

    assert dataset.count("frames.molmo2_points.keypoints") == 4
    assert dataset.first().molmo2_description == "an answer to What is it?"
    assert dataset.first().molmo2_run.status == "error"


def test_an_answer_that_cannot_be_parsed_is_finished_and_leaves_no_label(make_dataset, answerer):
    from molmo2_contract.results import ComprehensiveResult, TrackingResult

    dataset = make_dataset(1)
    operations = [Tracking(prompt="hand"), "comprehensive"]
    label(dataset, operations, answerer)
    answerer.results = {
        "tracking": TrackingResult(status="unparsed", reason="no tags", text="Hm."),
        "comprehensive": ComprehensiveResult(status="unparsed", reason="no JSON", text="Hm."),
    }

    label(dataset, operations, answerer, overwrite=True)
    summary = label(dataset, operations, answerer)

    run = dataset.first().molmo2_run
    assert summary.finished == 1
    assert len(dataset.exists("frames.molmo2_tracks")) == 0
    assert dataset.first().molmo2_summary is None
    assert (run.tracking.status, run.tracking.reason, run.tracking.text) == (
        "unparsed",
        "no tags",
        "Hm.",
    )


def test_a_refused_token_ends_the_run_at_once(make_dataset, answerer):
    dataset = make_dataset(12)

    def meanwhile(name):
        raise Unauthorized("the token is wrong")

    answerer.meanwhile = meanwhile
    with pytest.raises(Unauthorized):
        label(dataset, ["embed"], answerer, concurrency=1)

    assert len(answerer.requests) <= 3  # the first, and those taken ahead meanwhile
    assert dataset.first().molmo2_run.embed.error_kind == "unauthorized"


def test_a_server_that_stays_away_ends_the_run_and_keeps_what_was_answered(make_dataset, answerer):
    dataset = make_dataset(12)

    def meanwhile(name):
        if name >= "02.mp4":
            raise EngineUnavailable("nobody listens")

    answerer.meanwhile = meanwhile
    with pytest.raises(EngineUnavailable):
        label(dataset, ["embed"], answerer, concurrency=1)
    answerer.meanwhile = lambda name: None
    summary = label(dataset, ["embed"], answerer, concurrency=2)

    assert (summary.finished, summary.labelled) == (2, 10)
