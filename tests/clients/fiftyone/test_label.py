"""What ``label_dataset`` asks, writes and leaves alone."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_contract.errors import VideoUnreadable
from molmo2_contract.operations import Describe, Pointing

ALL_SIX = [
    {"operation": "pointing", "prompt": "nose"},
    {"operation": "tracking", "prompt": "hand"},
    {"operation": "describe", "prompt": "What is it?"},
    "temporal_localization",
    "comprehensive",
    "embed",
]

SAMPLED_FRAMES = [1, 7, 14, 20]


def quietly(view, operations, client, **settings):
    return label_dataset(view, operations, client=client, progress=False, **settings)


def test_one_request_a_video_fills_the_fields_of_all_six_operations(make_dataset, answerer):
    dataset = make_dataset(1)

    summary = quietly(dataset, ALL_SIX, answerer)

    sample = dataset.first()
    assert len(answerer.requests) == 1
    assert (summary.samples, summary.labelled, summary.failed) == (1, 1, 0)
    assert sorted(f for f in sample.frames if sample.frames[f].molmo2_points) == SAMPLED_FRAMES
    assert sorted(f for f in sample.frames if sample.frames[f].molmo2_tracks) == SAMPLED_FRAMES
    assert sample.molmo2_description == "an answer to What is it?"
    assert [e.support for e in sample.molmo2_events.detections] == [[1, 11]]
    assert [e.label for e in sample.molmo2_analysis_events.detections] == ["it moves"]
    assert sample.molmo2_summary == "a grey clip"
    assert sample.molmo2_embedding.dtype == np.float32
    assert sample.molmo2_embedding.tolist() == pytest.approx([0.6, 0.8])
    assert sample.molmo2_run.status == "ok"


def test_every_field_has_its_declared_type_whatever_was_found(make_dataset, answerer):
    dataset = make_dataset(1)

    quietly(dataset, [Pointing(prompt="nothing"), Describe(prompt="fail")], answerer)
    quietly(dataset, ["temporal_localization", "comprehensive", "embed"], answerer)

    types = {
        name: (getattr(field, "document_type", None) or type(field)).__name__
        for name, field in dataset.get_field_schema().items()
        if name.startswith("molmo2_")
    }
    assert types == {
        "molmo2_run": "DynamicEmbeddedDocument",
        "molmo2_description": "StringField",
        "molmo2_events": "TemporalDetections",
        "molmo2_summary": "StringField",
        "molmo2_analysis_events": "TemporalDetections",
        "molmo2_objects": "TemporalDetections",
        "molmo2_text_content": "TemporalDetections",
        "molmo2_scene_info_setting": "Classification",
        "molmo2_scene_info_time_of_day": "Classification",
        "molmo2_scene_info_location_type": "Classification",
        "molmo2_activities_primary": "Classification",
        "molmo2_activities_secondary": "Classifications",
        "molmo2_embedding": "VectorField",
    }
    assert dataset.get_frame_field_schema()["molmo2_points"].document_type is fo.Keypoints


def test_a_keypoint_keeps_its_label_place_index_and_time(make_dataset, answerer):
    dataset = make_dataset(1)

    quietly(dataset, [Pointing(prompt="nose")], answerer)

    (keypoint,) = dataset.first().frames[7].molmo2_points.keypoints
    assert (keypoint.label, keypoint.points, keypoint.index) == ("nose", [[0.25, 0.75]], 2)
    assert keypoint.time == pytest.approx(0.6)
    assert dataset.distinct("frames.molmo2_points.keypoints.time") == pytest.approx(
        [0.0, 0.6, 1.3, 1.9]
    )


def test_a_track_is_one_instance_in_all_its_frames_and_in_every_run(make_dataset, answerer):
    dataset = make_dataset(2)
    tracking = [{"operation": "tracking", "prompt": "hand"}]

    quietly(dataset, tracking, answerer)
    first = dataset.values("frames.molmo2_tracks.keypoints.instance._id")
    quietly(dataset, tracking, answerer, overwrite=True)
    second = dataset.values("frames.molmo2_tracks.keypoints.instance._id")

    one, other = ({tuple(frame) for frame in sample} for sample in first)
    assert len(one) == len(other) == 1  # the same two instances in each frame
    assert len({*one.pop(), *other.pop()}) == 4  # two tracks in each of two samples
    assert first == second
    assert len(dataset.select_labels(instance_ids=[first[0][0][0]])) == 1


def test_nothing_found_is_an_empty_label_on_the_first_sampled_frame(make_dataset, answerer):
    dataset = make_dataset(2)

    quietly(dataset.limit(1), [Pointing(prompt="nothing like it")], answerer)

    assert dataset.first().frames[1].molmo2_points == fo.Keypoints(keypoints=[])
    assert dataset.first().molmo2_run.pointing.status == "empty"
    assert dataset.exists("frames.molmo2_points").values("id") == [dataset.first().id]
    assert dataset.count("frames.molmo2_points.keypoints") == 0


def test_the_run_record_says_what_was_asked_and_answered(make_dataset, answerer):
    dataset = make_dataset(1)

    quietly(dataset, [Pointing(prompt="nose")], answerer)

    run = dataset.first().molmo2_run
    assert (run.request_id, run.model.checkpoint) == ("request-00.mp4", "demo/checkpoint")
    assert (run.video.frame_count, run.video.variable_frame_rate) == (20, False)
    assert run.latency > 0
    assert (run.pointing.prompt, run.pointing.text) == ("nose", "an answer to nose")
    assert (run.pointing.finish_reason, run.pointing.count) == ("stop", 4)
    assert dataset.count_values("molmo2_run.pointing.status") == {"ok": 1}


def test_the_app_can_list_all_fields_for_annotation(make_dataset, answerer):
    """It does so whenever a sample is opened, and shows an error where it cannot."""
    dataset = make_dataset(1)
    quietly(dataset, [Pointing(prompt="a"), Describe(prompt="b"), "comprehensive"], answerer)

    schemas = foo.execute_operator("@voxel51/operators/get_label_schemas", {"dataset": dataset})

    assert "molmo2_run.status" in schemas.result["label_schemas"]


def test_a_request_that_fails_is_noted_and_the_others_go_on(make_dataset, answerer):
    dataset = make_dataset(4)

    def meanwhile(name):
        if name == "01.mp4":
            raise VideoUnreadable("01.mp4 is no video")

    answerer.meanwhile = meanwhile
    summary = quietly(dataset, [Pointing(prompt="nose"), "embed"], answerer)

    assert dataset.values("molmo2_run.status") == ["ok", "error", "ok", "ok"]
    failed = dataset.skip(1).first().molmo2_run
    assert (failed.embed.status, failed.embed.error_kind) == ("error", "video_unreadable")
    assert failed.pointing.error == "01.mp4 is no video"
    assert (summary.labelled, summary.failed) == (3, 1)
    assert [(f.operation, f.kind) for f in summary.failures] == [
        ("pointing", "video_unreadable"),
        ("embed", "video_unreadable"),
    ]
    assert "3 labelled, 0 finished before, 1 with errors" in str(summary)


def test_an_operation_that_fails_hides_no_other_result(make_dataset, answerer):
    dataset = make_dataset(1)

    quietly(dataset, [Pointing(prompt="nose"), Describe(prompt="fail")], answerer)

    run = dataset.first().molmo2_run
    assert (run.status, run.pointing.status, run.describe.status) == ("error", "ok", "error")
    assert run.describe.error == "the logits are not finite"
    assert dataset.count("frames.molmo2_points.keypoints") == 4


def test_answers_to_other_operations_than_those_asked_are_an_error(make_dataset, answerer):
    dataset = make_dataset(1)
    answerer.ask = lambda video, operations, timeout: type(answerer).ask(
        answerer, video, operations[:1], timeout=timeout
    )

    quietly(dataset, [Pointing(prompt="nose"), "embed"], answerer)

    assert dataset.first().molmo2_run.embed.error_kind == "internal"


def test_times_out_as_told(make_dataset, answerer):
    seen = []
    ask = answerer.ask
    answerer.ask = lambda video, operations, timeout: (
        seen.append(timeout) or ask(video, operations, timeout=timeout)
    )

    quietly(make_dataset(1), ["embed"], answerer, timeout=7.0)

    assert seen == [7.0]


def test_raw_text_is_cut_at_its_named_limit(make_dataset, answerer):
    from molmo2_client.fiftyone.limits import MAX_TEXT_CHARACTERS
    from molmo2_contract.results import DescribeResult

    answerer.results["describe"] = DescribeResult(status="ok", text="語" * 6_000_000)
    dataset = make_dataset(1)

    quietly(dataset, [Describe(prompt="Tell me everything.")], answerer)

    kept = dataset.first().molmo2_run.describe.text
    assert kept.startswith("語" * MAX_TEXT_CHARACTERS)
    assert kept.endswith("[cut here, of 6000000 characters]")
    assert dataset.first().molmo2_description == kept


def test_calls_the_progress_function_after_each_video(make_dataset, answerer):
    seen = []

    label_dataset(
        make_dataset(3), ["embed"], client=answerer, progress=lambda bar: seen.append(bar.iteration)
    )

    assert seen[-1] == 3
