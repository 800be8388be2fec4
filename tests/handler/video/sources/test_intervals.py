from hypothesis import given
from hypothesis import strategies as st

from molmo2_handler.video.sources.intervals import Intervals

ranges = st.tuples(st.integers(0, 60), st.integers(1, 20))


@given(st.lists(ranges, max_size=30))
def test_what_was_added_is_there_and_nothing_else(added: list[tuple[int, int]]) -> None:
    intervals, there = Intervals(), set()
    for start, length in added:
        intervals.add(start, start + length)
        there.update(range(start, start + length))
    for offset in range(85):
        end = offset
        while end in there:
            end += 1
        assert intervals.until(offset) == end
