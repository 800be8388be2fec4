"""The store of video prefixes: bounded, and never without what is in use."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from molmo2_engine.kv.prefix_store import PrefixStore
from molmo2_engine.model.prefix import Prefix

ROOM = 100


class PrefixStoreMachine(RuleBasedStateMachine):
    """Any order of acquiring, releasing and adding."""

    def __init__(self):
        super().__init__()
        self.store = PrefixStore(ROOM)
        self.in_use: list[Prefix] = []

    @rule(name=st.integers(0, 9), tokens=st.integers(1, 60))
    def ask(self, name, tokens):
        key = str(name).encode()
        prefix = self.store.acquire(key)
        if prefix is None and self.store.make_room(tokens):
            prefix = Prefix(key, (), tokens, [], [], {})
            self.store.add(prefix)
        if prefix is not None:
            self.in_use.append(prefix)

    @precondition(lambda self: self.in_use)
    @rule(data=st.data())
    def finish(self, data):
        index = data.draw(st.integers(0, len(self.in_use) - 1))
        self.store.release(self.in_use.pop(index))

    @invariant()
    def never_holds_more_than_its_room(self):
        assert self.store.tokens <= ROOM

    @invariant()
    def keeps_what_is_in_use(self):
        for prefix in set(self.in_use):
            assert self.store.acquire(prefix.key) is prefix
            self.store.release(prefix)

    @invariant()
    def can_empty_itself_of_all_else(self):
        used = sum(prefix.tokens for prefix in set(self.in_use))
        if not self.in_use:
            assert self.store.make_room(0)
        assert used <= self.store.tokens


TestPrefixStore = PrefixStoreMachine.TestCase


def test_the_least_recently_used_goes_first():
    store = PrefixStore(30)
    prefixes = [Prefix(bytes([i]), (), 10, [], [], {}) for i in range(3)]
    for prefix in prefixes:
        store.make_room(10)
        store.add(prefix)
        store.release(prefix)
    store.release(store.acquire(prefixes[0].key))
    assert store.make_room(10)
    assert store.acquire(prefixes[1].key) is None
    assert store.acquire(prefixes[0].key) is prefixes[0]


def test_there_is_no_room_while_everything_is_in_use():
    store = PrefixStore(30)
    prefix = Prefix(b"a", (), 25, [], [], {})
    store.add(prefix)
    assert not store.make_room(10)
    store.release(prefix)
    assert store.make_room(10)
