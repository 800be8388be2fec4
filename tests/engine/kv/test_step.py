"""What sequences write into pages and read from them."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Molmo2TextConfig

from molmo2_engine.kv.cache import PagedCache, bytes_per_token
from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.kv.step import Step
from molmo2_engine.kv.table import PageTable

CONFIG = Molmo2TextConfig(num_hidden_layers=2, num_key_value_heads=1, head_dim=2)
PAGES = 60


def tensor(values):
    """Keys of one layer, [tokens, 1 head, 2], that spell out ``values``."""
    return torch.tensor(values, dtype=torch.float32)[:, None, None].expand(-1, 1, 2)


class Written:
    """A cache whose every token is a number of its own, and what each sequence should read."""

    def __init__(self, page_tokens):
        self.pool = PagePool(PAGES, page_tokens)
        self.cache = PagedCache(CONFIG, PAGES, page_tokens, torch.float32, torch.device("cpu"))
        self.number = 0.0

    def numbers(self, count):
        self.number += count
        return [self.number - i for i in range(count)]

    def prefix(self, count):
        values = self.numbers(count)
        pages = self.pool.take(self.pool.needed(count))
        for layer in range(2):
            places = self.cache.places(pages, count)
            self.cache.write(layer, places, tensor(values), -tensor(values))
        return Prefix(b"", (), count, pages, {}), values

    def extend(self, tables, rows):
        """Writes rows of new values; returns what each row can read, of all layers and both."""
        for table, row in zip(tables, rows, strict=True):
            table.grow(len(row))
        step = Step(self.cache, tables, [len(row) for row in rows])
        keys = torch.cat([tensor(row) for row in rows]).transpose(0, 1)[None]
        for layer in range(2):
            step.update(keys, -keys, layer)
        for table, row in zip(tables, rows, strict=True):
            table.tokens += len(row)
        pools = torch.stack([*self.cache.keys, *(-layer for layer in self.cache.values)])
        assert (pools == pools[0]).all()
        return step, pools[0][step.tables].flatten(1, 2)[:, :, 0, 0]


@given(
    page_tokens=st.integers(1, 5),
    prefix_tokens=st.lists(st.integers(1, 9), min_size=1, max_size=2),
    steps=st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), max_size=4),
)
def test_each_sequence_reads_its_prefix_and_exactly_what_it_wrote(
    page_tokens, prefix_tokens, steps
):
    written = Written(page_tokens)
    prefixes = [written.prefix(count) for count in prefix_tokens]
    owners = [prefixes[i % len(prefixes)] for i in range(3)]
    tables = [PageTable(prefix, written.pool, written.cache) for prefix, _ in owners]
    told = [list(values) for _, values in owners]
    for counts in steps:
        rows = {i: written.numbers(count) for i, count in enumerate(counts) if count}
        if not rows:
            continue
        step, read = written.extend([tables[i] for i in rows], list(rows.values()))
        positions = iter(step.positions.tolist())
        for place, (i, row) in enumerate(rows.items()):
            before = len(told[i])
            told[i] += row
            assert step.lengths[place] == len(told[i])
            assert read[place, : len(told[i])].tolist() == told[i]
            assert [next(positions) for _ in row] == list(range(before, len(told[i])))
        assert not written.cache.keys[0][0].any()
    for table in tables:
        table.release()
    assert written.pool.free == PAGES - sum(len(prefix.pages) for prefix, _ in prefixes)


def test_full_pages_of_a_prefix_are_shared_and_its_last_one_is_copied():
    written = Written(4)
    prefix, _ = written.prefix(10)
    one, other = (PageTable(prefix, written.pool, written.cache) for _ in range(2))
    assert one.pages[:2] == other.pages[:2] == prefix.pages[:2]
    assert len({one.pages[2], other.pages[2], prefix.pages[2]}) == 3


def test_a_cleared_page_is_zero():
    written = Written(4)
    prefix, _ = written.prefix(6)
    written.cache.clear(prefix.pages)
    assert not any(layer.any() for layer in (*written.cache.keys, *written.cache.values))


def test_a_token_costs_what_its_tensors_hold():
    cache = PagedCache(CONFIG, 9, 1, torch.bfloat16, torch.device("cpu"))
    held = sum(layer.nbytes for layer in (*cache.keys, *cache.values))
    assert bytes_per_token(CONFIG, torch.bfloat16) == held / 10
