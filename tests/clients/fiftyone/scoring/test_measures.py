"""The measures, on cases that can be worked out by hand."""

import math

import numpy as np
import pytest

from molmo2_client.fiftyone.scoring.hits import Rates, score_frames
from molmo2_client.fiftyone.scoring.identities import Hota, score_tracks
from molmo2_client.fiftyone.scoring.pointing import score_points
from molmo2_client.fiftyone.scoring.regions import Box, Spot
from molmo2_client.fiftyone.scoring.spans import overlap, score_spans

LEFT, RIGHT = Box(0.0, 0.4, 0.2, 0.2), Box(0.8, 0.4, 0.2, 0.2)
ON_LEFT, ON_RIGHT, NOWHERE = (0.1, 0.5), (0.9, 0.5), (0.5, 0.9)
PERFECT = Rates(1.0, 1.0, 1.0)


def test_a_mask_decides_within_its_box():
    mask = np.array([[True, False], [True, False]])
    box = Box(0.4, 0.4, 0.2, 0.2, mask)
    assert box.contains((0.45, 0.5))
    assert not box.contains((0.55, 0.5))
    assert box.center == pytest.approx((0.45, 0.5))
    assert not box.contains((0.3, 0.5))


def test_a_keypoint_is_hit_within_its_reach():
    spot = Spot(0.5, 0.5, 0.05)
    assert spot.contains((0.55, 0.45))
    assert not spot.contains((0.56, 0.5))


def test_frames_count_alike_and_a_frame_without_truth_is_right_when_it_is_empty():
    truth = {1: [LEFT, RIGHT], 2: [LEFT]}
    assert score_frames({1: [ON_RIGHT, ON_LEFT], 2: [ON_LEFT]}, truth) == PERFECT
    half = score_frames({1: [ON_LEFT, ON_RIGHT]}, truth)
    assert (half.precision, half.recall) == (0.5, 0.5)
    assert score_frames({3: [NOWHERE]}, {}).f1 == 0
    assert score_frames({}, {}) == PERFECT


def test_a_point_that_misses_costs_precision_and_a_missing_one_recall():
    rates = score_frames({1: [ON_LEFT, NOWHERE]}, {1: [LEFT]})
    assert (rates.precision, rates.recall) == (0.5, 1.0)
    rates = score_frames({1: [ON_LEFT]}, {1: [LEFT, RIGHT]})
    assert (rates.precision, rates.recall) == (1.0, 0.5)
    assert rates.f1 == pytest.approx(2 / 3)


def test_an_object_is_to_be_pointed_at_once_in_any_frame_that_shows_it():
    truth = {"a": {1: LEFT, 2: LEFT}, "b": {2: RIGHT}}
    assert score_points([(2, ON_LEFT), (2, ON_RIGHT)], truth, 10) == PERFECT
    twice = score_points([(1, ON_LEFT), (2, ON_LEFT)], truth, 10)
    assert (twice.precision, twice.recall) == (0.5, 0.5)
    assert score_points([(1, ON_RIGHT)], truth, 10).f1 == 0
    assert score_points([], {}, 10) == PERFECT


def test_a_point_belongs_to_the_object_that_is_nearest_in_time_too():
    truth = {"early": {10: LEFT}, "late": {90: LEFT}}
    assert score_points([(90, ON_LEFT), (10, ON_LEFT)], truth, 100) == PERFECT
    assert score_points([(90, ON_LEFT)], truth, 100).precision == 1


def test_tracks_that_keep_to_their_objects_score_full():
    truth = {frame: [("a", LEFT), ("b", RIGHT)] for frame in range(4)}
    answered = {frame: [("1", ON_LEFT), ("2", ON_RIGHT)] for frame in range(4)}
    assert score_tracks(answered, truth) == Hota(1.0, 1.0, 1.0)
    assert score_tracks({}, {}) == Hota(1.0, 1.0, 1.0)
    assert score_tracks(answered, {}).hota == 0


def test_tracks_that_change_places_half_way_lose_in_association_only():
    truth = {frame: [("a", LEFT), ("b", RIGHT)] for frame in range(4)}
    swapped = {
        frame: [("1", ON_LEFT), ("2", ON_RIGHT)] if frame < 2 else [("1", ON_RIGHT), ("2", ON_LEFT)]
        for frame in range(4)
    }
    scores = score_tracks(swapped, truth)
    assert scores.detection == 1
    assert scores.association == pytest.approx(2 / 6)  # two together, of four and four
    assert scores.hota == pytest.approx(math.sqrt(1 / 3))


def test_a_track_that_lies_in_two_objects_is_the_one_that_it_keeps_to():
    over_left = Box(0.0, 0.0, 0.6, 1.0)
    truth = {1: [("a", LEFT), ("b", over_left)], 2: [("a", LEFT), ("b", over_left)]}
    answered = {1: [("1", ON_LEFT)], 2: [("1", (0.4, 0.5))]}
    assert score_tracks(answered, truth).association == 1


def test_two_points_of_one_track_in_a_frame_are_two():
    scores = score_tracks({1: [("1", ON_LEFT), ("1", NOWHERE)]}, {1: [("a", LEFT)]})
    assert scores.detection == 0.5


def test_an_event_is_found_by_an_answer_that_overlaps_it_enough():
    assert overlap((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert overlap((0, 1), (1, 2)) == 0
    assert score_spans([(0, 8), (20, 30)], [(0, 10), (20, 30)], 0.5) == PERFECT
    once = score_spans([(0, 10)], [(0, 10), (0, 10)], 0.5)
    assert (once.precision, once.recall) == (1.0, 0.5)
    assert score_spans([], [], 0.5) == PERFECT
