"""``apply_model`` with the zoo's model: what it stores."""

import fiftyone as fo
import pytest

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


def test_points_are_stored_under_the_zoo_models_names(apply, make_dataset, make_model):
    dataset = make_dataset(2)

    apply(dataset, make_model(operation="pointing", prompt="nose"), "point_pred")

    assert dataset.values("frames.frame_number") == [[1, 7, 14, 20]] * 2
    frame = dataset.first().frames[7]
    (keypoint,) = frame["point_pred_points"].keypoints
    assert (keypoint.label, keypoint.points, keypoint.time) == ("nose", [[0.25, 0.75]], 0.6)


def test_tracks_have_one_instance_each_with_the_same_identity_in_every_run(
    apply, make_dataset, make_model
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


def test_text_and_events_are_fields_of_the_sample(apply, make_dataset, make_model):
    dataset = make_dataset(1)
    model = make_model(operation="describe", prompt="What?")

    apply(dataset, model, "prompted_describe")
    model.operation = "temporal_localization"
    apply(dataset, model, "temporal_localization")

    sample = dataset.first()
    assert sample["prompted_describe_description"] == "an answer to What?"
    (event,) = sample["temporal_localization_events"].detections
    assert (event.support, event.start, event.end) == ([1, 11], 0.0, 1.0)


def test_an_analysis_has_the_fields_of_the_zoo_model(apply, make_dataset, make_model, answerer):
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
    apply, make_dataset, make_model, answerer, operation, result, field
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
