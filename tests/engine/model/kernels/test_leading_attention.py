"""The staircase kernel equals the staircase in plain PyTorch."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molmo2_engine.model.attention.every_key import attend_to_all
from molmo2_engine.model.attention.leading_keys import Staircase, attend_to_leading
from molmo2_engine.model.kernels.leading_attention import leading_attention

CPU = torch.device("cpu")


@st.composite
def staircases(draw):
    """Counts that never fall, and how many keys there are."""
    counts = sorted(draw(st.lists(st.integers(1, 80), min_size=1, max_size=70)))
    return counts, counts[-1] + draw(st.integers(0, 3))


@settings(max_examples=15)
@given(stairs=staircases(), group=st.sampled_from([1, 2, 4]), continues=st.booleans())
def test_it_equals_plain_pytorch(stairs, group, continues, device):
    counts, key_count = stairs
    torch.manual_seed(len(counts))
    query, keys, values = (torch.randn(n, m, 16) for n, m in heads(group, counts, key_count))
    earlier = [torch.randn(1, 9, 16) for _ in range(2)]
    after = attend_to_all(query, *earlier, 0.3) if continues else None
    expected = attend_to_leading(query, keys, values, Staircase(counts, CPU), 0.3, after)

    attended = leading_attention(
        *(tensor.to(device) for tensor in (query, keys, values)),
        Staircase(counts, device).seen,
        0.3,
        after and type(after)(*(part.to(device) for part in after)),
    )

    torch.testing.assert_close(attended.cpu(), expected, atol=1e-5, rtol=1e-5)


def heads(group: int, counts: list[int], key_count: int) -> list[tuple[int, int]]:
    return [(group, len(counts)), (1, key_count), (1, key_count)]
