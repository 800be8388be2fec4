"""The pool of KV pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_engine.kv.pages import OutOfPages, PagePool


@given(st.integers(1, 30), st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=40))
def test_a_page_has_one_owner_and_none_is_lost(pages, moves):
    pool = PagePool(pages, 4)
    owners: list[list[int]] = []
    for take, number in moves:
        if take and number <= pool.free:
            owners.append(pool.take(number))
        elif take:
            with pytest.raises(OutOfPages):
                pool.take(number)
        elif owners:
            pool.give_back(owners.pop(number % len(owners)))
        held = [page for owner in owners for page in owner]
        assert len(held) == len(set(held))
        assert len(held) + pool.free == pages
        assert set(held) <= set(range(1, pages + 1))


def test_what_is_refused_takes_nothing():
    pool = PagePool(3, 4)
    with pytest.raises(OutOfPages, match="4 KV pages are needed, 3 are free"):
        pool.take(4)
    assert pool.free == 3


def test_tokens_fill_whole_pages():
    pool = PagePool(1, 4)
    assert [pool.needed(tokens) for tokens in (0, 1, 4, 5)] == [0, 1, 1, 2]
