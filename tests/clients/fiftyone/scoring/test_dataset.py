"""A labelled dataset against ground truth."""

import fiftyone as fo
import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_client.fiftyone.scoring import score_dataset


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
    assert scores.samples == 2
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


def test_fields_that_are_missing_or_of_another_type_are_named(dataset):
    with pytest.raises(ValueError, match=r"frames\.nothing: there is no such field"):
        score(dataset, tracks="frames.nothing")
    with pytest.raises(ValueError, match=r"frames\.other_tracks: there is no such field"):
        score(dataset, label_field="other", points=None, events=None)
    with pytest.raises(ValueError, match="name the ground truth"):
        score_dataset(dataset)
