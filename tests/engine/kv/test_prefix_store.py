"""The store of prefixes: bounded by its pages, and never without what is in use."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.kv.prefix_store import PrefixStore

PAGES = 25


class PrefixStoreMachine(RuleBasedStateMachine):
    """Any order of acquiring, releasing and adding."""

    def __init__(self):
        super().__init__()
        self.pool = PagePool(PAGES, 4)
        self.store = PrefixStore(self.pool)
        self.in_use: list[Prefix] = []

    @rule(name=st.integers(0, 9), pages=st.integers(1, 15))
    def ask(self, name, pages):
        key = str(name).encode()
        prefix = self.store.acquire(key)
        if prefix is None and self.store.make_room(pages):
            prefix = Prefix(key, (), pages * 4, self.pool.take(pages), {})
            self.store.add(prefix)
        if prefix is not None:
            self.in_use.append(prefix)

    @precondition(lambda self: self.in_use)
    @rule(data=st.data())
    def finish(self, data):
        index = data.draw(st.integers(0, len(self.in_use) - 1))
        self.store.release(self.in_use.pop(index))

    @invariant()
    def every_page_is_free_used_or_kept(self):
        held = self.store.pages_in_use + self.store.pages_kept
        assert held + self.pool.free == PAGES

    @invariant()
    def keeps_what_is_in_use(self):
        used = sum(len(prefix.pages) for prefix in set(self.in_use))
        assert self.store.pages_in_use == used
        for prefix in set(self.in_use):
            assert self.store.acquire(prefix.key) is prefix
            self.store.release(prefix)

    @invariant()
    def makes_room_of_all_that_is_not_in_use(self):
        assert not self.store.make_room(PAGES + 1 - self.store.pages_in_use)
        assert self.pool.free == PAGES - self.store.pages_in_use


class KeepingPrefixStoreMachine(PrefixStoreMachine):
    """The same, without emptying it after each move."""

    makes_room_of_all_that_is_not_in_use = None


TestPrefixStore = PrefixStoreMachine.TestCase
TestKeepingPrefixStore = KeepingPrefixStoreMachine.TestCase


def held(store, pool, name, pages):
    prefix = Prefix(name, (), 1, pool.take(pages), {})
    store.add(prefix)
    return prefix


def test_the_least_recently_used_goes_first():
    pool = PagePool(3, 4)
    store = PrefixStore(pool)
    prefixes = [held(store, pool, bytes([i]), 1) for i in range(3)]
    for prefix in prefixes:
        store.release(prefix)
    store.release(store.acquire(prefixes[0].key))
    assert store.make_room(1)
    assert store.acquire(prefixes[1].key) is None
    assert store.acquire(prefixes[0].key) is prefixes[0]


def test_there_is_no_room_while_everything_is_in_use():
    pool = PagePool(3, 4)
    store = PrefixStore(pool)
    prefix = held(store, pool, b"a", 3)
    assert not store.make_room(1)
    store.release(prefix)
    assert store.make_room(1)
