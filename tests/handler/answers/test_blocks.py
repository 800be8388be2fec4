import pytest

from molmo2_handler.answers.blocks import Block, read_blocks


def points(block: Block) -> list[tuple[float | None, int, float, float]]:
    return [(point.time, point.id, point.x, point.y) for point in block.points]


TWO = [(0.0, 1, 0.259, 0.34), (0.5, 1, 0.138, 0.427)]


@pytest.mark.parametrize(
    "text",
    [
        '<tracks coords="0.0 1 259 340;0.5 1 138 427">d</tracks>',
        '<tracks coords="0.0 1 259 340\t0.5 1 138 427">d</tracks>',
        '<tracks coords="0.0 1 259 340; 0.5 1 138 427">d</tracks>',
        '<tracks coords="0.0 1 259 340 ;\n 0.5 1 138 427;">d</tracks>',
        '<tracks coords="0.0 1 259 340\n0.5 1 138 427\n">d</tracks>',
        '<tracks coords="0.0 1 259 340,0.5 1 138 427">d</tracks>',
        '<tracks coords="0.0 1 259 340:0.5 1 138 427">d</tracks>',
        '<tracks coords=" 0.0  1  259  340;0.5 1 138 427 ">d</tracks>',
        "<tracks coords='0.0 1 259 340;0.5 1 138 427'>d</tracks>",
        "<tracks coords = '0.0 1 259 340;0.5 1 138 427' >d</tracks>",
        '<track coords="0.0 1 259 340;0.5 1 138 427">d</track>',
        '<point coords="0.0 1 259 340;0.5 1 138 427">d</point>',
        '<POINTS COORDS="0.0 1 259 340;0.5 1 138 427">d</POINTS>',
        '<points\n  coords="0.0 1 259 340;0.5 1 138 427"\n>\nd\n</points>',
        '<points alt="a\nb" coords="0.0 1 259 340;0.5 1 138 427">d</points>',
        '<points alt="the d\'s > c" coords="0.0 1 259 340;0.5 1 138 427">d</points>',
        '<points alt="e" coords="0.0 1 259 340;0.5 1 138 427" id="7">d</points>',
        '<points coords="0.0 1 259 340;0.5 1 138 427" label="d"/>',
        '<points coords="0.0 1 259 340;0.5 1 138 427" alt="d" />',
        '<points coords="0.0 1 259 340;0.5 1 138 427" alt="d"></points>',
        '<points coords="0.0 1 259 340;0.5 1 138 427>d</points>',
        '<points label="d" coords="0.0 1 259 340;0.5 1 138 427/>',
        '<points coords="00:00 1 259 340;00:00.5 1 138 427">d</points>',
        '<points coords="00:00:00 1 259 340; 00:00:00.5 1 138 427">d</points>',
        '<points coords="0.0 1 259 340;0.25;0.5 1 138 427">d</points>',
    ],
)
def test_every_way_to_write_a_tag_is_read(text: str):
    (block,) = read_blocks(f"Here: {text} That is all.")
    assert points(block) == TWO
    assert block.label == "d"
    assert (block.losses.total(), block.cut, block.finished) == (0, False, 2)


def test_hours_and_minutes_count():
    (block,) = read_blocks('<points coords="01:05.0 1 100 200;00:02:10.5 2 100 200">x</points>')
    assert [point.time for point in block.points] == [65.0, 130.5]


@pytest.mark.parametrize("time", ["1.2.3", ".", "abc", "00:75", "-1.0"])
def test_a_malformed_time_drops_its_points_and_no_others(time: str):
    (block,) = read_blocks(f'<points coords="{time} 1 100 200 2 100 200;3.0 3 100 200">x</points>')
    assert points(block) == [(3.0, 3, 0.1, 0.2)]
    assert block.losses == {"at a time that cannot be read": 2}


@pytest.mark.parametrize("written", ["2 300", "2", "2 3.5 400", "a 300 400", "2 -30 400"])
def test_a_malformed_point_is_counted_and_drops_no_other(written: str):
    (block,) = read_blocks(f'<points coords="0.5 1 100 200 {written};1.0 3 100 200">x</points>')
    assert points(block) == [(0.5, 1, 0.1, 0.2), (1.0, 3, 0.1, 0.2)]
    assert block.losses == {"not written as id, x and y": 1}


def test_coordinates_that_are_no_coordinates_are_counted():
    (block,) = read_blocks('<points coords="everywhere">x</points>')
    assert (block.points, block.losses.total()) == ([], 1)


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("0.5 1 138 427;", 2),
        ("0.5 1 138 427 ", 2),
        ("0.5 1 138 427", 1),
        ("0.5 1 138 4", 1),
        ("0.5 1 138 ", 1),
        ("0.5 1", 1),
        ("0.", 1),
        ("", 1),
    ],
)
def test_a_number_at_the_very_end_may_be_cut_and_is_dropped(end: str, kept: int):
    (block,) = read_blocks(f'<tracks coords="0.0 1 259 340;{end}')
    assert points(block) == TWO[:kept]
    assert (block.cut, block.losses.total()) == (True, 0)


def test_only_a_step_that_has_ended_is_finished():
    (block,) = read_blocks('<tracks coords="0.0 1 259 340;0.5 1 138 427 2 100 200 ')
    assert (len(block.points), block.finished) == (3, 1)


def test_a_label_without_its_closing_tag_may_be_cut_and_is_none():
    (block,) = read_blocks('<points coords="0.0 1 259 340">pengu')
    assert block.label is None


def test_a_tag_without_coordinates_is_no_block():
    assert (
        read_blocks('<points>dog</points> <points alt="a">b</points> <pointing coords="1">') == []
    )


def test_a_tag_that_never_ends_does_not_swallow_the_next():
    blocks = read_blocks('<points alt="a <points coords="0.0 1 259 340">d</points>')
    assert [(block.label, points(block)) for block in blocks] == [("d", TWO[:1])]


def test_the_first_of_two_coords_counts():
    (block,) = read_blocks('<points coords="0.0 1 259 340" coords="9.0 9 999 999">d</points>')
    assert points(block) == TWO[:1]


def test_a_single_point_of_molmo_1():
    (block,) = read_blocks('<point x="61.5" y="25" alt="the nose">nose</point>')
    assert points(block) == [(None, 1, 0.615, 0.25)]
    assert block.label == "nose"


def test_a_point_of_molmo_1_that_is_outside_or_has_no_y_is_counted():
    (block,) = read_blocks('<points x1="10" y1="20" x2="100.1" y2="5" x3="7" alt="a">a</points>')
    assert points(block) == [(None, 1, 0.1, 0.2)]
    assert block.losses == {"outside 0..100": 1, "not written as id, x and y": 1}
