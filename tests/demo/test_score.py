"""Scores: what is a hit, and what missing and superfluous answers cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molmo2_contract.results import Position
from molmo2_demo.score import Tally, json_share, score_points, score_tracks
from molmo2_demo.truth import TruePosition, TrueTrack

RED = TrueTrack("red circle", [TruePosition(t, 1, 0.2 + 0.1 * t, 0.3) for t in (0.0, 0.5, 1.0)])
BLUE = TrueTrack("blue square", [TruePosition(t, 1, 0.8, 0.7) for t in (0.5, 1.0)])


def at(time, x, y):
    return Position(time=time, frame=1, x=x, y=y)


def answer(track, **off):
    """The true track, as an answer, moved by ``off``."""
    dx, dy = off.get("dx", 0), off.get("dy", 0)
    return [at(point.time, point.x + dx, point.y + dy) for point in track.points]


def test_a_point_on_each_shape_is_a_full_score():
    tally = score_points([at(0.0, 0.2, 0.3), at(0.5, 0.8, 0.7)], [RED, BLUE])

    assert tally == Tally(hits=2, expected=2, answered=2, possible=2)
    assert tally.rate == 1


@pytest.mark.parametrize(
    ("dx", "dy", "hits"), [(0.05, 0.05, 1), (0.051, 0, 0), (0, -0.051, 0), (-0.05, 0.04, 1)]
)
def test_a_hit_lies_within_five_percent_of_width_and_height(dx, dy, hits):
    assert score_points([at(0.0, 0.2 + dx, 0.3 + dy)], [RED]).hits == hits


def test_a_point_is_held_against_the_place_at_its_own_time():
    assert score_points([at(1.0, 0.3, 0.3)], [RED]).hits == 1
    assert score_points([at(0.0, 0.3, 0.3)], [RED]).hits == 0


def test_times_are_compared_as_the_model_writes_them():
    last = TrueTrack("red circle", [TruePosition(1.9686, 59, 0.5, 0.5)])

    assert score_points([at(2.0, 0.5, 0.5)], [last]).hits == 1
    assert score_points([at(1.5, 0.5, 0.5)], [last]).hits == 0


def test_a_missing_point_lowers_the_rate():
    assert score_points([at(0.0, 0.2, 0.3)], [RED, BLUE]).rate == 0.5


def test_a_superfluous_point_lowers_the_rate():
    assert score_points([at(0.0, 0.2, 0.3), at(0.0, 0.9, 0.9)], [RED]).rate == 0.5


def test_the_same_shape_twice_counts_once():
    tally = score_points([at(0.0, 0.2, 0.3), at(0.5, 0.25, 0.3)], [RED, BLUE])

    assert (tally.hits, tally.rate) == (1, 0.5)


def test_a_shape_that_no_sampled_frame_shows_is_not_expected():
    assert score_points([], [TrueTrack("hidden", [])]).expected == 0


def test_the_true_tracks_are_a_full_score_in_any_order():
    tally = score_tracks([answer(BLUE), answer(RED)], [RED, BLUE])

    assert tally == Tally(hits=5, expected=5, answered=5, possible=5)


def test_every_position_of_a_track_counts():
    track = [*answer(RED)[:2], at(1.0, 0.9, 0.9)]

    assert score_tracks([track], [RED]).rate == pytest.approx(2 / 3)


def test_missing_positions_of_a_track_lower_the_rate():
    assert score_tracks([answer(RED)[:1]], [RED]).rate == pytest.approx(1 / 3)


def test_positions_where_nothing_is_lower_the_rate():
    track = [at(0.0, 0.8, 0.7), *answer(BLUE)]

    assert score_tracks([track], [BLUE]).rate == pytest.approx(2 / 3)


def test_a_track_that_changes_shapes_counts_for_one_of_them():
    mixed = [answer(RED)[0], *answer(BLUE)]

    assert score_tracks([mixed], [RED, BLUE]).hits == 2


def test_two_tracks_of_one_shape_count_once():
    tally = score_tracks([answer(RED), answer(RED, dx=0.01)], [RED])

    assert (tally.hits, tally.answered, tally.rate) == (3, 6, 0.5)


def test_nothing_expected_and_nothing_answered_is_right():
    assert score_points([], []).rate == 1
    assert score_tracks([], []).rate == 1


def test_a_sum_weighs_answers_by_their_length():
    total = Tally(1, 1, 1, 1) + Tally(0, 3, 2, 3)

    assert total == Tally(hits=1, expected=4, answered=3, possible=4)
    assert total.rate == 0.25


positions = st.builds(at, st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1), st.floats(0, 1))


@settings(deadline=None)
@given(st.lists(st.lists(positions, max_size=4), max_size=4))
def test_no_answer_scores_more_than_everything(tracks):
    tally = score_tracks(tracks, [RED, BLUE])

    assert 0 <= tally.hits <= min(tally.expected, tally.answered)
    assert 0 <= tally.rate <= 1


def test_json_share_counts_texts_that_parse():
    assert json_share(['{"a": 1}', "[]", '{"a": ', "There are none."]) == 0.5
    assert json_share([]) == 1
