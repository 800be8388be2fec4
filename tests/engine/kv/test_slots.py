"""The KV cache of running sequences."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Molmo2TextConfig

from molmo2_engine.kv.slots import Decode, Prefill, SlotCache
from molmo2_engine.model.prefix import Prefix

CONFIG = Molmo2TextConfig(num_hidden_layers=2, num_key_value_heads=1, head_dim=2)
LENGTH = 12


def tensor(values):
    """Keys of one layer, [1 head, tokens, 2], that spell out ``values``."""
    return torch.tensor(values, dtype=torch.float32)[None, :, None].expand(1, -1, 2)


def prefix(values):
    return Prefix(b"", (), len(values), [tensor(values)] * 2, [-tensor(values)] * 2, {})


@given(st.lists(st.sampled_from(["take", "decode", "prefill", "release"]), max_size=40), st.data())
def test_each_row_holds_exactly_what_was_written_for_it(moves, data):
    cache = SlotCache(CONFIG, 3, LENGTH, torch.float32, torch.device("cpu"))
    rows: list[list[float]] = []
    number = 0.0

    def new(count):
        nonlocal number
        number += count
        return [number + i / 10 for i in range(count)]

    for move in moves:
        if move == "take" and cache.free:
            rows.append(new(data.draw(st.integers(1, 4))))
            assert cache.take(prefix(rows[-1])) == len(rows) - 1
        elif move == "prefill" and rows:
            row = data.draw(st.integers(0, len(rows) - 1))
            values = new(2)
            if len(rows[row]) + 2 <= LENGTH:
                rows[row] += values
                write = Prefill(cache, row, 2)
                for layer in range(2):
                    write.update(tensor(values)[None], -tensor(values)[None], layer)
        elif move == "decode" and rows and max(map(len, rows)) < LENGTH:
            values = new(len(rows))
            write = Decode(cache)
            keys = torch.stack([tensor([v]) for v in values])
            for layer in range(2):
                write.update(keys, -keys, layer)
            for row, value in zip(rows, values, strict=True):
                row.append(value)
        elif move == "release" and rows:
            row = data.draw(st.integers(0, len(rows) - 1))
            cache.release(row)
            rows[row] = rows[-1]
            rows.pop()
        assert cache.lengths == [len(row) for row in rows]
        for layer in range(2):
            for index in range(3):
                held = rows[index] if index < len(rows) else []
                padded = torch.tensor(held + [0.0] * (LENGTH - len(held)))
                torch.testing.assert_close(cache.keys[layer][index, 0, :, 0], padded)
                torch.testing.assert_close(cache.values[layer][index, 0, :, 1], -padded)
