"""A labelled dataset against ground truth."""

import fiftyone as fo
import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_client.fiftyone.scoring import score_dataset
from molmo2_client.fiftyone.scoring.counts import Counts
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
    assert scores.point_counts == Counts(exact=1, close=1)


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
    assert scores.point_counts.exact == 0.5


def test_truth_may_be_denser_than_what_the_server_sampled(dataset):
    sample = dataset.first()
    for number in (2, 3):
        truth = fo.Keypoints(keypoints=[fo.Keypoint(label="hand", points=[(0.1, 0.1)], index=7)])
        sample.frames[number] = fo.Frame(true_hands=truth)
    sample.save()
    assert score(dataset).tracks.f1 == 1


def test_two_points_of_one_name_in_a_frame_are_two(dataset):
    sample = dataset.first()
    keypoints = sample.frames[1].molmo2_points.keypoints
    keypoints.append(keypoints[0].copy())
    sample.save()
    assert score(dataset).points.precision == pytest.approx((4 / 5 + 1) / 2)


def test_labels_without_identity_are_objects_of_their_own(dataset):
    for sample in dataset.iter_samples(autosave=True):
        for frame in sample.frames.values():
            for detection in frame.true_noses.detections:
                detection.index = None
    assert score(dataset).points.f1 == 1


def test_what_is_hidden_is_not_expected_and_not_answered(dataset):
    hidden = [(float("nan"), float("nan"))]
    sample = dataset.first()
    frame = sample.frames[1]
    for field in ("true_hands", "molmo2_tracks"):
        frame[field].keypoints[0].points = hidden
        frame[field].keypoints[1].points = []
    sample.save()
    scores = score(dataset)
    assert scores.tracks.f1 == scores.hota.hota == 1


def test_counts_are_the_numbers_that_descriptions_state(make_dataset, answerer):
    dataset = make_dataset(4, number=[7, 20, 3, None])
    label_dataset(dataset, [{"operation": "describe", "prompt": "How many?"}], client=answerer)
    said = ["7", "Counting the dogs shows a total of 22.", "There are many.", "1"]
    dataset.set_values("molmo2_description", said)
    scores = score_dataset(dataset, counts="number")
    assert scores.counts.exact == pytest.approx(1 / 3)
    assert scores.counts.close == pytest.approx(2 / 3)


def test_the_truth_of_tracks_says_which_labels_are_the_same_object(dataset):
    sample = dataset.first()
    sample.frames[1].true_hands.keypoints[0].index = None
    sample.save()
    with pytest.raises(ValueError, match=r"true_hands: 'hand' in frame 1 of .* has neither"):
        score(dataset)


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
        ({"counts": "filepath"}, r"filepath: is StringField; the truth of counts .*fo\.IntField"),
        (
            {"tracks": "frames.true_hands", "label_field": "other"},
            r"frames\.other_tracks: there are no answers .*--operation tracking.*--label-field",
        ),
    ],
)
def test_fields_that_cannot_be_compared_are_named_with_those_that_can(dataset, fields, told):
    with pytest.raises(ValueError, match=told):
        score_dataset(dataset, **fields)
