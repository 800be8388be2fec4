"""A labelled dataset against ground truth."""

import fiftyone as fo
import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_client.fiftyone.scoring import score_dataset
from molmo2_contract.errors import VideoUnreadable


@pytest.fixture
def dataset(make_dataset, answerer):
    """Two labelled videos, whose truth is what the model answered."""
    dataset = make_dataset(2)
    asked = [
        {"operation": "pointing", "prompt": "nose"},
        {"operation": "tracking", "prompt": "hand"},
        "temporal_localization",
    ]
    label_dataset(dataset, asked, client=answerer, progress=False)
    for sample in dataset.iter_samples(autosave=True):
        for frame in sample.frames.values():
            given = frame.molmo2_tracks.keypoints if frame.molmo2_tracks else []
            frame["true_hands"] = fo.Keypoints(
                keypoints=[
                    fo.Keypoint(label=k.label, points=k.points, index=k.index) for k in given
                ]
            )
            seen = frame.molmo2_points.keypoints if frame.molmo2_points else []
            frame["true_noses"] = fo.Detections(
                detections=[
                    fo.Detection(
                        label="nose",
                        index=k.index,
                        bounding_box=[k.points[0][0] - 0.01, k.points[0][1] - 0.01, 0.02, 0.02],
                    )
                    for k in seen
                ]
            )
        sample["true_events"] = sample.molmo2_events
    return dataset


def score(dataset, **how):
    fields = {
        "points": "frames.true_noses",
        "tracks": "frames.true_hands",
        "events": "true_events",
    }
    return score_dataset(dataset, **{**fields, **how})


def test_what_is_right_scores_full(dataset):
    scores = score(dataset)
    assert (scores.samples, scores.unanswered) == (2, 0)
    assert scores.points.f1 == scores.tracks.f1 == scores.events.f1 == 1
    assert scores.hota.hota == 1
    assert scores.count_exact == scores.count_close == 1


def test_what_is_wrong_in_one_video_costs_half_of_it(dataset):
    sample = dataset.first()
    for frame in sample.frames.values():
        for keypoint in frame.true_hands.keypoints:
            x, y = keypoint.points[0]
            keypoint.points = [((x + 0.5) % 1, y)]
        frame["true_noses"] = None
    sample["true_events"] = None
    sample.save()
    scores = score(dataset)
    assert scores.tracks.f1 == scores.hota.hota == 0.5
    assert scores.points.f1 == scores.events.f1 == 0.5
    assert scores.count_exact == 0.5


def test_truth_may_be_denser_than_what_the_server_sampled(dataset):
    sample = dataset.first()
    for number in (2, 3):
        truth = fo.Keypoints(keypoints=[fo.Keypoint(label="hand", points=[(0.1, 0.1)], index=7)])
        sample.frames[number] = fo.Frame(true_hands=truth)
    sample.save()
    assert score(dataset).tracks.f1 == 1


def test_a_video_without_an_answer_is_counted_and_scores_nothing(make_dataset, answerer):
    dataset = make_dataset(3)
    spans = fo.TemporalDetections(detections=[fo.TemporalDetection(label="e", support=[1, 11])])
    dataset.set_values("true_events", [spans.copy() for _ in dataset])
    answerer.meanwhile = refuse("01.mp4")
    label_dataset(dataset.limit(2), ["temporal_localization"], client=answerer, progress=False)
    scores = score_dataset(dataset, events="true_events")
    assert (scores.samples, scores.unanswered) == (3, 2)
    assert scores.events.f1 == pytest.approx(1 / 3)


def refuse(name):
    def meanwhile(asked):
        if asked == name:
            raise VideoUnreadable(f"{name} is no video")

    return meanwhile


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "name the ground truth"),
        (
            {"tracks": "frames.nothing"},
            r"frames\.nothing: there is no such field; the truth of tracks is a field of "
            r"fo\.Detections or fo\.Keypoints, and .* has frames\.true_hands, frames\.true_noses",
        ),
        ({"points": "filepath"}, "filepath: is StringField; the truth of points"),
        (
            {"events": "frames.true_hands"},
            r"is Keypoints; .*fo\.TemporalDetections, .* true_events",
        ),
        ({"points": "true_events"}, "true_events: is TemporalDetections"),
        (
            {"tracks": "frames.true_hands", "label_field": "other"},
            r"frames\.other_tracks: there are no answers .*--operation tracking.*--label-field",
        ),
    ],
)
def test_fields_that_cannot_be_compared_are_named_with_those_that_can(dataset, fields, told):
    with pytest.raises(ValueError, match=told):
        score_dataset(dataset, **fields)
