"""``apply_model`` with the zoo's model: what it stores, when it asks, and what fails."""

import threading

import fiftyone as fo
import pytest

from molmo2_client.fiftyone import FieldClash, label_dataset
from molmo2_contract.errors import EngineUnavailable, InvalidRequest
from molmo2_contract.results import (
    Activities,
    Analysis,
    ComprehensiveResult,
    PointingResult,
    SceneInfo,
    Status,
    TemporalLocalizationResult,
    TrackingResult,
)


def apply(view, model, label_field, **settings):
    settings = {"skip_failures": False, "progress": False, **settings}
    view.apply_model(model, label_field, **settings)


def test_points_are_stored_under_the_zoo_models_names(make_dataset, make_model):
    dataset = make_dataset(2)

    apply(dataset, make_model(operation="pointing", prompt="nose"), "point_pred")

    assert dataset.values("frames.frame_number") == [[1, 7, 14, 20]] * 2
    frame = dataset.first().frames[7]
    (keypoint,) = frame["point_pred_points"].keypoints
    assert (keypoint.label, keypoint.points, keypoint.time) == ("nose", [[0.25, 0.75]], 0.6)


def test_tracks_have_one_instance_each_with_the_same_identity_in_every_run(
    make_dataset, make_model
):
    dataset = make_dataset(1)
    model = make_model(operation="tracking", prompt="hand")

    def instances():
        keypoints = dataset.values("frames.track_pred_tracks.keypoints", unwind=True)
        return [keypoint.instance.id for keypoint in keypoints]

    apply(dataset, model, "track_pred")
    first = instances()
    apply(dataset, model, "track_pred")

    assert len(first) == 8
    assert len(set(first)) == 2
    assert instances() == first


def test_text_and_events_are_fields_of_the_sample(make_dataset, make_model):
    dataset = make_dataset(1)
    model = make_model(operation="describe", prompt="What?")

    apply(dataset, model, "prompted_describe")
    model.operation = "temporal_localization"
    apply(dataset, model, "temporal_localization")

    sample = dataset.first()
    assert sample["prompted_describe_description"] == "an answer to What?"
    (event,) = sample["temporal_localization_events"].detections
    assert (event.support, event.start, event.end) == ([1, 11], 0.0, 1.0)


def test_an_analysis_has_the_fields_of_the_zoo_model(make_dataset, make_model, answerer):
    dataset = make_dataset(1)
    answerer.results["comprehensive"] = ComprehensiveResult(
        status=Status.OK,
        analysis=Analysis(
            summary="a grey clip",
            scene_info=SceneInfo(setting="studio"),
            activities=Activities(primary_activity="jump", secondary_activities=["walk"]),
        ),
    )

    apply(dataset, make_model(operation="comprehensive"), "comprehensive")

    sample = dataset.first()
    assert sample["comprehensive_summary"] == "a grey clip"
    assert sample["comprehensive_events"] == fo.TemporalDetections()
    assert sample["comprehensive_objects"] == fo.TemporalDetections()
    assert sample["comprehensive_text_content"] == fo.TemporalDetections()
    assert sample["comprehensive_scene_info_setting"].label == "studio"
    assert sample["comprehensive_scene_info_time_of_day"] is None
    assert sample["comprehensive_activities_primary_activity"].label == "jump"
    (second,) = sample["comprehensive_activities_secondary_activities"].classifications
    assert second.label == "walk"


@pytest.mark.parametrize(
    ("operation", "result", "field"),
    [
        ("pointing", PointingResult(status=Status.EMPTY), "frames.f_points"),
        ("pointing", PointingResult(status=Status.UNPARSED, text="no"), "frames.f_points"),
        ("tracking", TrackingResult(status=Status.UNPARSED, text="no"), "frames.f_tracks"),
        ("temporal_localization", TemporalLocalizationResult(status=Status.UNPARSED), "f_events"),
        ("comprehensive", ComprehensiveResult(status=Status.UNPARSED), "f_events"),
    ],
)
def test_the_fields_do_not_depend_on_the_outcome(
    make_dataset, make_model, answerer, operation, result, field
):
    good, bad = make_dataset(1), make_dataset(1)
    model = make_model(operation=operation, prompt="nose")

    apply(good, model, "f")
    answerer.results[operation] = result
    apply(bad, model, "f")

    for schema in ("get_field_schema", "get_frame_field_schema"):
        expected = {n: str(f) for n, f in getattr(good, schema)(flat=True).items()}
        assert {n: str(f) for n, f in getattr(bad, schema)(flat=True).items()} == expected
    assert type(bad.get_field(field)) is type(good.get_field(field))
    assert bad.values(f"f_run.{operation}.status") == [str(result.status)]


def test_prompts_come_from_a_field_and_fall_back_to_the_models(make_dataset, make_model, answerer):
    dataset = make_dataset(3, question=["one?", None, "three?"])
    model = make_model(operation="describe", prompt="else?")

    apply(dataset, model, "answer_pred", prompt_field="question")

    texts = [f"an answer to {p}" for p in ("one?", "else?", "three?")]
    assert dataset.values("answer_pred_description") == texts


def test_the_order_of_the_view_does_not_mix_up_answers(make_dataset, make_model, answerer):
    questions = [f"{i}?" for i in range(12)]
    dataset = make_dataset(12, question=questions)
    view = dataset.sort_by("question", reverse=True).limit(7)
    waits = {path.rpartition("/")[2]: i for i, path in enumerate(dataset.values("filepath"))}
    answerer.meanwhile = lambda name: threading.Event().wait(0.01 * (waits[name] % 3))

    apply(view, make_model(operation="describe"), "f", prompt_field="question", batch_size=4)

    assert view.values("f_description") == [f"an answer to {q}" for q in view.values("question")]
    assert len(answerer.requests) == 7


def test_as_many_requests_run_at_once_as_the_batch_size_says(make_dataset, make_model, answerer):
    dataset = make_dataset(12)
    together = threading.Barrier(4)
    answerer.meanwhile = lambda name: together.wait(30)  # breaks, and fails, where fewer come

    apply(dataset, make_model(operation="describe", prompt="?"), "f", batch_size=4)

    assert len(dataset.exists("f_description")) == 12


def test_without_a_batch_size_the_models_concurrency_counts(make_dataset, make_model, answerer):
    dataset = make_dataset(6)
    together = threading.Barrier(3)
    answerer.meanwhile = lambda name: together.wait(30)

    apply(dataset, make_model(operation="describe", prompt="?", concurrency=3), "f")

    assert len(dataset.exists("f_description")) == 6


def test_a_failure_costs_its_sample_where_failures_are_skipped(make_dataset, make_model):
    dataset = make_dataset(3, question=["one?", "fail here", "three?"])
    model = make_model(operation="describe")

    apply(dataset, model, "f", prompt_field="question", skip_failures=True)

    assert dataset.values("f_description") == ["an answer to one?", None, "an answer to three?"]
    assert dataset.values("f_run.status") == ["ok", None, "ok"]


def test_a_failure_is_raised_where_they_are_not(make_dataset, make_model):
    dataset = make_dataset(3, question=["one?", "fail here", "three?"])

    with pytest.raises(EngineUnavailable, match="not finite"):
        apply(dataset, make_model(operation="describe"), "f", prompt_field="question")

    assert dataset.values("f_description")[0] == "an answer to one?"


def test_a_prompt_that_cannot_be_asked_fails_alone(make_dataset, make_model, answerer):
    dataset = make_dataset(2, question=["  ", "two?"])
    model = make_model(operation="describe")

    apply(dataset, model, "f", prompt_field="question", skip_failures=True)

    assert dataset.values("f_description") == [None, "an answer to two?"]
    assert len(answerer.requests) == 1


def test_what_a_second_run_does_not_find_again_is_gone(make_dataset, make_model):
    dataset = make_dataset(1)
    model = make_model(operation="pointing", prompt="nose")

    apply(dataset, model, "f")
    model.prompt = "nothing"
    apply(dataset, model, "f")

    assert dataset.count("frames.f_points.keypoints") == 0
    assert dataset.values("f_run.pointing.status") == ["empty"]


def test_operations_under_one_label_field_share_its_run_record(make_dataset, make_model):
    dataset = make_dataset(1)
    model = make_model(operation="pointing", prompt="nose")

    apply(dataset, model, "f")
    model.operation = "describe"
    apply(dataset, model, "f")

    record = dataset.first()["f_run"]
    assert (record.pointing.status, record.describe.status) == ("ok", "ok")


def test_a_slice_of_a_grouped_dataset_is_labelled_and_labelled_again(
    database, videos, make_model, answerer
):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    sides = zip(videos, ["left", "right"], strict=False)
    dataset.add_samples(
        [fo.Sample(filepath=str(path), group=group.element(side)) for path, side in sides],
        progress=False,
    )
    right = dataset.select_group_slices("right")
    model = make_model(operation="describe", prompt="?")

    apply(right, model, "f")
    model.operation = "pointing"
    apply(right, model, "f")

    (record,) = right.values("f_run")
    assert (record.describe.status, record.pointing.status) == ("ok", "ok")
    assert [name for name, _ in answerer.requests] == ["01.mp4"] * 2
    dataset.delete()


def test_label_dataset_goes_on_where_apply_model_ended(make_dataset, make_model, answerer):
    dataset = make_dataset(3)
    model = make_model(operation="pointing", prompt="nose")

    apply(dataset.limit(2), model, "f")
    summary = label_dataset(
        dataset,
        [{"operation": "pointing", "prompt": "nose"}],
        client=answerer,
        label_field="f",
        progress=False,
    )

    assert summary.finished == 2
    assert len(answerer.requests) == 3


def test_a_video_that_comes_twice_is_labelled(make_dataset, make_model):
    dataset = make_dataset(2)

    apply(dataset.concat(dataset), make_model(operation="describe", prompt="?"), "f")

    assert len(dataset.exists("f_description")) == 2


@pytest.mark.parametrize(
    ("settings", "call", "error", "match"),
    [
        ({}, {}, ValueError, r"model\.operation is not set; choose one of pointing"),
        ({"operation": "pointing"}, {}, ValueError, r"model\.prompt is not set"),
        ({"operation": "comprehensive"}, {"prompt_field": "question"}, ValueError, "takes a promp"),
        ({"operation": "describe"}, {"prompt_field": "number"}, ValueError, "must be a string"),
        ({"operation": "describe", "prompt": "?"}, {"batch_size": 0}, ValueError, "at least 1"),
        (
            {"operation": "describe", "prompt": "?"},
            {"label_field": "frames.x"},
            ValueError,
            "plain",
        ),
        (
            {"operation": "describe", "prompt": "?"},
            {"label_field": "number"},
            FieldClash,
            "number_",
        ),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_asked(
    make_dataset, make_model, answerer, settings, call, error, match
):
    dataset = make_dataset(2, question=["?", "?"], number=[1, 2], number_description=[1, 2])

    with pytest.raises(error, match=match):
        apply(
            dataset, make_model(**settings), **{"label_field": "f", "skip_failures": True, **call}
        )

    assert answerer.requests == []


def test_a_model_can_be_asked_about_one_video_alone(videos, make_model):
    model = make_model(operation="describe", prompt="?")
    answer = {"description": "an answer to ?"}

    assert model.predict(str(videos[0])) == answer
    assert model.predict(videos[0]) == answer
    assert model.predict({"filepath": str(videos[0])}) == answer
    assert model.predict_all([videos[0], videos[1]]) == [answer, answer]


def test_what_is_no_video_is_refused(make_model):
    with pytest.raises(TypeError, match="expected a path"):
        make_model(operation="describe", prompt="?").predict(3)


def test_a_loop_of_ones_own_asks_one_video_after_another(make_dataset, make_model, answerer):
    dataset = make_dataset(2, question=["one?", "two?"])
    model = make_model(operation="describe")
    model.needs_fields = {"prompt_field": "question"}

    with model:
        answers = [model.predict(s.filepath, sample=s) for s in dataset.iter_samples()]

    assert [a["description"] for a in answers] == ["an answer to one?", "an answer to two?"]


def test_a_setting_out_of_bounds_is_refused_when_it_is_set(make_model):
    model = make_model()

    with pytest.raises(ValueError, match="must be one of pointing, tracking"):
        model.operation = "point"
    with pytest.raises(ValueError, match=r"model\.pooling_strategy='median'.*'mean'"):
        model.pooling_strategy = "median"
    with pytest.raises(ValueError, match=r"model\.max_new_tokens=0"):
        model.max_new_tokens = 0
    with pytest.raises(ValueError, match="zoom"):
        make_model(zoom=2)
    with pytest.raises(InvalidRequest, match="timeout"):
        make_model(url="http://127.0.0.1:1", retries=-1, timeout=-1)


def test_a_model_may_be_entered_around_its_application(make_dataset, make_model):
    dataset = make_dataset(2)
    model = make_model(operation="describe", prompt="?")

    with model:
        apply(dataset, model, "f")
        assert model.predict(dataset.first().filepath) == {"description": "an answer to ?"}
