"""Frames between the sampled ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_client.fiftyone import label_dataset
from molmo2_client.fiftyone.densify import between_points, between_positions
from molmo2_contract.results import Point, Position

SAMPLED = [1, 5, 9, 13]


def position(frame, x=0.5):
    return Position(time=(frame - 1) / 10, frame=frame, x=x, y=0.5)


def point(frame, x=0.5, label="nose"):
    return Point(**vars(position(frame, x)), id=1, label=label)


def places(found):
    return {each.frame: pytest.approx(each.x) for each in found}


def test_held_positions_stay_where_they_were_last_seen():
    found = between_positions([position(1, 0.1), position(5, 0.5)], SAMPLED, "hold")

    assert places(found) == {2: 0.1, 3: 0.1, 4: 0.1}


def test_linear_positions_move_to_where_they_are_seen_next():
    found = list(between_positions([position(1, 0.1), position(5, 0.5)], SAMPLED, "linear"))

    assert places(found) == {2: 0.2, 3: 0.3, 4: 0.4}
    assert [each.time for each in found] == pytest.approx([0.1, 0.2, 0.3])


def test_nothing_is_between_without_being_asked():
    assert list(between_positions([position(1), position(5)], SAMPLED, "none")) == []
    assert list(between_points([point(1), point(5)], SAMPLED, "none")) == []


@pytest.mark.parametrize("densify", ["hold", "linear"])
def test_a_sampled_frame_without_the_object_is_not_bridged(densify):
    found = between_positions([position(1), position(9), position(13)], SAMPLED, densify)

    assert sorted(places(found)) == [10, 11, 12]


@given(
    seen=st.lists(st.sampled_from(SAMPLED), unique=True),
    densify=st.sampled_from(["hold", "linear"]),
)
def test_no_position_lies_outside_the_frames_in_which_the_object_was_seen(seen, densify):
    found = between_positions([position(frame) for frame in seen], SAMPLED, densify)

    for each in found:
        around = {
            max(f for f in SAMPLED if f < each.frame),
            min(f for f in SAMPLED if f > each.frame),
        }
        assert around <= set(seen)
        assert each.frame not in SAMPLED


def test_one_point_of_a_label_moves_and_several_are_held():
    points = [point(1, 0.1), point(5, 0.5)]
    points += [
        point(1, 0.2, "hand"),
        point(1, 0.3, "hand"),
        point(5, 0.8, "hand"),
        point(5, 0.9, "hand"),
    ]

    found = [each for each in between_points(points, SAMPLED, "linear") if each.frame == 3]

    assert {(each.label, round(each.x, 6)) for each in found} == {
        ("nose", 0.3),
        ("hand", 0.2),
        ("hand", 0.3),
    }


def test_points_whose_number_changes_are_left_alone():
    points = [point(1), point(5), point(5, 0.9), point(9), point(9, 0.9)]

    assert sorted({each.frame for each in between_points(points, SAMPLED, "hold")}) == [6, 7, 8]


@pytest.mark.parametrize("densify", ["hold", "linear"])
def test_the_frames_between_are_written_and_marked(make_dataset, answerer, densify):
    dataset = make_dataset(1)
    operations = [{"operation": name, "prompt": "nose"} for name in ("pointing", "tracking")]

    label_dataset(dataset, operations, client=answerer, densify=densify, progress=False)

    sample = dataset.first()
    for field, count in (("molmo2_points", 1), ("molmo2_tracks", 2)):
        keypoints = {number: sample.frames[number][field].keypoints for number in range(1, 21)}
        marked = {number for number, found in keypoints.items() if found[0].interpolated}
        assert {len(found) for found in keypoints.values()} == {count}
        assert marked == set(range(1, 21)) - {1, 7, 14, 20}
    instances = {k.instance.id for k in sample.frames[1].molmo2_tracks.keypoints}
    assert {k.instance.id for k in sample.frames[10].molmo2_tracks.keypoints} == instances
    assert dataset.get_field("frames.molmo2_tracks.keypoints.interpolated") is not None


def test_an_unknown_way_is_refused_before_anything_is_asked(make_dataset, answerer):
    with pytest.raises(ValueError, match="densify='cubic': must be one of none, hold, linear"):
        label_dataset(make_dataset(1), ["embed"], client=answerer, densify="cubic")

    assert answerer.requests == []
