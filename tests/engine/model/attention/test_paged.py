"""Paged attention, in plain PyTorch and as the Triton kernel, against attention to whole rows."""

import functools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from molmo2_engine.model.attention.paged import PagedAttention
from molmo2_engine.model.kernels import paged_attention as kernel

SIZE = 16


def pages_of(
    lengths: list[int], new: int, page_tokens: int, kv_heads: int, group: int, seed: int
) -> tuple[torch.Tensor, ...]:
    """Random queries and pages; each row's pages lie anywhere, and what nobody reads is nan."""
    random = torch.Generator().manual_seed(seed)
    needed = [-(-length // page_tokens) for length in lengths]
    widest = max(1, *needed) + 1
    order = (torch.randperm(sum(needed), generator=random) + 1).tolist()
    tables = torch.zeros(len(lengths), widest, dtype=torch.int32)
    shape = (sum(needed) + 1, page_tokens, kv_heads, SIZE)
    keys, values = (torch.full(shape, torch.nan) for _ in range(2))
    keys[0] = values[0] = 0
    for row, (length, count) in enumerate(zip(lengths, needed, strict=True)):
        own = [order.pop() for _ in range(count)]
        tables[row, :count] = torch.tensor(own, dtype=torch.int32)
        for pool in (keys, values):
            written = torch.zeros(count * page_tokens, kv_heads, SIZE)
            written[:length] = torch.randn(length, kv_heads, SIZE, generator=random)
            pool[own] = written.unflatten(0, (count, page_tokens))
    query = torch.randn(len(lengths), new, kv_heads * group, SIZE, generator=random)
    return query, keys, values, tables, torch.tensor(lengths, dtype=torch.int32)


def paged(query, keys, values, tables, lengths, scale):
    """By what the device has for it."""
    return PagedAttention(tables, lengths, query.shape[1], keys.shape[1])(
        query, keys, values, scale
    )


def gathered(query, keys, values, tables, lengths, scale):
    attention = PagedAttention(tables, lengths, query.shape[1], keys.shape[1])
    return attention.gathered(query, keys, values, scale)


def row_by_row(query, keys, values, tables, lengths, scale):
    """Each row by itself, with its keys in one piece."""
    output = torch.zeros_like(query)
    new = query.shape[1]
    for row, length in enumerate(lengths.tolist()):
        if not length:
            continue
        own_keys, own_values = (
            pool[tables[row].long()].flatten(0, 1)[:length].transpose(0, 1)[None]
            for pool in (keys, values)
        )
        mask = torch.ones(new, length, dtype=torch.bool).tril(length - new)
        output[row] = F.scaled_dot_product_attention(
            query[row].transpose(0, 1)[None],
            own_keys,
            own_values,
            attn_mask=mask,
            scale=scale,
            enable_gqa=True,
        )[0].transpose(0, 1)
    return output


@st.composite
def steps(draw, most_tokens=60):
    new = draw(st.integers(1, 4))
    length = st.one_of(st.just(0), st.integers(new, most_tokens))
    return pages_of(
        lengths=draw(st.lists(length, min_size=1, max_size=4)),
        new=new,
        page_tokens=draw(st.sampled_from([1, 4, 16, 24])),
        kv_heads=draw(st.integers(1, 3)),
        group=draw(st.sampled_from([1, 2, 4])),
        seed=draw(st.integers(0, 99)),
    )


@settings(max_examples=60)
@given(step=steps())
def test_gathered_pages_equal_each_row_by_itself(step):
    torch.testing.assert_close(gathered(*step, 0.3), row_by_row(*step, 0.3), atol=2e-6, rtol=1e-5)


@settings(max_examples=15)
@given(step=steps(), columns=st.sampled_from([16, 32]), programs=st.integers(1, 12))
def test_the_kernel_equals_gathered_pages(step, columns, programs, device):
    expected = gathered(*step, 0.3)
    tiling = kernel.Tiling(columns=columns, programs=programs, most_parts=4)
    step = [tensor.to(device) for tensor in step]

    attended = kernel.paged_attention(*step, 0.3, tiling)

    torch.testing.assert_close(attended.cpu(), expected, atol=1e-5, rtol=1e-5)


def test_many_new_tokens_fill_several_blocks_of_queries(device):
    step = pages_of([70, 45], new=40, page_tokens=16, kv_heads=1, group=2, seed=3)
    expected = gathered(*step, 0.25)
    step = [tensor.to(device) for tensor in step]

    attended = kernel.paged_attention(*step, 0.25, kernel.Tiling(programs=8))

    torch.testing.assert_close(attended.cpu(), expected, atol=1e-5, rtol=1e-5)


def test_padding_rows_get_zeros(device):
    step = pages_of([0, 9, 0], new=1, page_tokens=4, kv_heads=1, group=4, seed=5)
    step = [tensor.to(device) for tensor in step]
    few_parts = functools.partial(kernel.paged_attention, tiling=kernel.Tiling(programs=6))
    for attend in (gathered, paged, few_parts):
        attended = attend(*step, 0.25)
        assert not attended[[0, 2]].any()
        assert attended[1].isfinite().all()


@pytest.mark.parametrize(("programs", "parts"), [(8, 64), (128, 8), (528, 1), (4096, 1), (1, 64)])
def test_one_sequence_is_cut_into_parts_and_many_are_not(programs, parts):
    """At 8 key heads, one sequence gives 8 programs and 16 give 128."""
    assert kernel._parts(kernel.Tiling(), programs) == parts
