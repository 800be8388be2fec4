"""Media attention equals a dense mask, and makes none but of few tokens."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from molmo2_engine.model.attention.every_key import KERNELS, attend_to_all
from molmo2_engine.model.attention.leading_keys import Staircase
from molmo2_engine.model.attention.media import SHORT, MediaAttention, media_attention

CPU = torch.device("cpu")


def dense_mask(visual: list[bool]) -> torch.Tensor:
    """Which token sees which: what precedes it, and visual tokens each other."""
    seen = torch.tensor(visual)
    causal = torch.ones(len(visual), len(visual), dtype=torch.bool).tril()
    return causal | (seen[:, None] & seen[None, :])


def random_heads(heads: int, kv_heads: int, tokens: int, size: int) -> list[torch.Tensor]:
    return [torch.randn(count, tokens, size) for count in (heads, kv_heads, kv_heads)]


def prefixes(most_frames: int = 6) -> st.SearchStrategy[list[bool]]:
    """A first token, then frames: some text and some visual tokens each."""
    frame = st.tuples(st.integers(0, 5), st.integers(1, 20))
    return st.lists(frame, min_size=1, max_size=most_frames).map(
        lambda frames: (
            [False] + [token for text, seen in frames for token in [False] * text + [True] * seen]
        )
    )


@settings(max_examples=40)
@given(
    visual=prefixes(), kv_heads=st.integers(1, 3), group=st.integers(1, 4), seed=st.integers(0, 99)
)
def test_it_equals_attention_with_a_dense_mask(visual, kv_heads, group, seed):
    torch.manual_seed(seed)
    query, keys, values = random_heads(kv_heads * group, kv_heads, len(visual), 16)
    expected = F.scaled_dot_product_attention(
        query[None],
        keys[None],
        values[None],
        attn_mask=dense_mask(visual),
        scale=0.3,
        enable_gqa=True,
    )[0]

    for attention in MediaAttention(visual, CPU), media_attention(visual, CPU):
        attended = attention(query, keys, values, 0.3)
        torch.testing.assert_close(attended, expected, atol=2e-6, rtol=1e-5)


def test_a_short_prefix_is_rounded_as_with_a_dense_mask():
    torch.manual_seed(0)
    visual = [False] + ([False] * 3 + [True] * 16) * 12
    heads = [tensor.bfloat16() for tensor in random_heads(8, 4, len(visual), 32)]
    query, keys, values = (tensor[None] for tensor in heads)
    keys, values = (tensor.repeat_interleave(2, 1) for tensor in (keys, values))

    attended = media_attention(visual, CPU)(*heads, 0.2)

    expected = F.scaled_dot_product_attention(
        query, keys, values, attn_mask=dense_mask(visual), scale=0.2
    )
    assert torch.equal(attended, expected[0])


def test_a_long_prefix_is_attended_to_in_parts():
    assert isinstance(media_attention([False] + [True] * SHORT, CPU), MediaAttention)


def test_heads_laid_out_by_token_stay_so():
    visual = [False, True, True, False, True]
    query, keys, values = (
        tensor.transpose(0, 1).contiguous().transpose(0, 1) for tensor in random_heads(4, 2, 5, 16)
    )

    attended = MediaAttention(visual, CPU)(query, keys, values, 0.25)

    assert attended.transpose(0, 1).is_contiguous()


class LargestTensor(TorchDispatchMode):
    """Remembers how many elements the largest tensor that any operation returned takes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                elements = leaf.untyped_storage().nbytes() // leaf.element_size()
                self.elements = max(self.elements, elements)
        return result


def test_no_tensor_of_tokens_by_tokens_exists():
    visual = [False] + ([False] * 6 + [True] * 83) * 70
    heads = random_heads(1, 1, len(visual), 16)

    with LargestTensor() as largest:
        MediaAttention(visual, CPU)(*heads, 0.25)

    assert largest.elements < len(visual) ** 2 / 4


def test_a_video_of_34_thousand_tokens_needs_no_mask_larger_than_a_small_ones():
    """Counted, not computed: the operations run without data."""
    visual = [False] + ([False] * 6 + [True] * 83) * 384
    heads = [tensor.to("meta") for tensor in random_heads(1, 1, len(visual), 16)]
    attention = MediaAttention(visual, torch.device("meta"), kernel="cpu")

    with LargestTensor() as largest:
        attention(*heads, 0.25)

    assert largest.elements <= 2**22


def test_every_kernel_of_this_machine_gives_the_same_log_sum_exp():
    query, keys, values = random_heads(4, 2, 37, 16)

    one, other = (attend_to_all(query, keys, values, 0.2, name) for name in ("cpu", "plain"))

    assert set(KERNELS) > {"cpu", "plain"}
    torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("seen", [[0, 1], [3, 2]])
def test_a_staircase_that_falls_or_starts_at_nothing_is_refused(seen):
    with pytest.raises(ValueError, match="every query must see a key"):
        Staircase(seen, CPU)
