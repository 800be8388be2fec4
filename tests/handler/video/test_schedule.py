from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molmo2_handler.video.schedule import Feed, schedule

OUT, IF_REFERENCE, DECODE = Feed


def feeds(wanted: str, afresh: str, *, nonreference_marked: bool = True) -> list[Feed]:
    """Schedules packets written as one character each, ``x`` for yes."""
    is_wanted, is_afresh = (np.array([c == "x" for c in text]) for text in (wanted, afresh))
    feed = schedule(is_wanted, is_afresh, nonreference_marked=nonreference_marked)
    return [Feed(value) for value in feed]


def test_frames_on_the_way_to_a_wanted_one_are_decoded_if_others_refer_to_them() -> None:
    assert feeds("...x", "x...") == [IF_REFERENCE, IF_REFERENCE, IF_REFERENCE, DECODE]


def test_they_are_all_decoded_where_the_stream_does_not_mark_references() -> None:
    assert feeds("..x", "x..", nonreference_marked=False) == [DECODE, DECODE, DECODE]


def test_what_follows_the_last_wanted_frame_is_left_out() -> None:
    assert feeds("x..", "x..") == [DECODE, OUT, OUT]


def test_decoding_begins_at_the_last_fresh_start_before_a_wanted_frame() -> None:
    assert feeds("....x.", "x.x.x.") == [OUT, OUT, OUT, OUT, DECODE, OUT]
    assert feeds(".....x", "x..x..") == [OUT, OUT, OUT, IF_REFERENCE, IF_REFERENCE, DECODE]


def test_the_first_packet_counts_as_a_fresh_start() -> None:
    assert feeds(".x.", "...") == [IF_REFERENCE, DECODE, OUT]


def test_nothing_is_decoded_where_nothing_is_wanted() -> None:
    assert feeds("...", "x.x") == [OUT, OUT, OUT]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_each_run_is_decoded_up_to_its_last_wanted_frame_and_no_further(
    packets: list[tuple[bool, bool]],
) -> None:
    wanted, afresh = (np.array(column) for column in zip(*packets, strict=True))
    feed = schedule(wanted, afresh, nonreference_marked=True)
    run = np.cumsum(afresh)
    if not afresh[0]:
        run += 1
    for _, places in groupby(range(len(packets)), key=lambda place: run[place]):
        of_run = list(places)
        last = max((place for place in of_run if wanted[place]), default=-1)
        for place in of_run:
            expected = OUT if place > last else DECODE if wanted[place] else IF_REFERENCE
            assert feed[place] == expected
