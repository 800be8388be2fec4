"""How tokens are picked."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molmo2_engine.generation.sampling import Sampler, SamplingParameters, next_tokens

GREEDY = SamplingParameters(1)


def test_temperature_zero_takes_the_likeliest():
    logits = torch.tensor([[0.1, 2.0, -1.0], [3.0, 2.0, -1.0]])
    assert next_tokens(logits, [Sampler(GREEDY), Sampler(GREEDY)]) == [1, 0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_that_is_no_numbers_has_no_token_and_spares_the_others(bad, temperature):
    samplers = [Sampler(SamplingParameters(1, temperature, seed=1)) for _ in range(2)]
    logits = torch.tensor([[0.0, bad], [-1000.0, 0.0]])
    assert next_tokens(logits, samplers) == [None, 1]


def test_only_what_is_allowed_is_picked():
    logits = torch.tensor([[0.1, 2.0, 1.0], [3.0, 2.0, -1.0]]).repeat(2, 1)
    samplers = [Sampler(GREEDY)] * 2 + [Sampler(SamplingParameters(1, 2.0, seed=1))] * 2
    allowed = torch.tensor([[True, False, True], [True, True, True]]).repeat(2, 1)
    for _ in range(20):
        first, second, third, _ = next_tokens(logits, samplers, allowed)
        assert (first, second) == (2, 0)
        assert third in (0, 2)


def test_a_row_that_is_no_numbers_has_no_token_under_a_mask_either():
    logits = torch.tensor([[0.0, float("nan")], [0.0, 1.0]])
    allowed = torch.tensor([[True, False], [True, False]])
    assert next_tokens(logits, [Sampler(GREEDY)] * 2, allowed) == [None, 0]


@given(
    weights=st.lists(st.integers(1, 50), min_size=2, max_size=8),
    top_p=st.floats(0.05, 1.0),
    seed=st.integers(0, 2**31),
)
def test_only_the_nucleus_is_ever_picked(weights, top_p, seed):
    probabilities = torch.tensor(weights, dtype=torch.float64) / sum(weights)
    sampler = Sampler(SamplingParameters(1, temperature=1.0, top_p=top_p, seed=seed))
    (picked,) = next_tokens(probabilities.log()[None], [sampler])
    likelier = probabilities[probabilities > probabilities[picked]].sum()
    assert float(likelier) < top_p + 1e-6


def test_low_temperature_sharpens():
    logits = torch.tensor([[1.0, 1.5]])
    cold = Sampler(SamplingParameters(1, temperature=0.01, seed=1))
    assert {next_tokens(logits, [cold])[0] for _ in range(50)} == {1}
    warm = Sampler(SamplingParameters(1, temperature=2.0, seed=1))
    assert {next_tokens(logits, [warm])[0] for _ in range(50)} == {0, 1}


def test_what_is_picked_by_chance_does_not_depend_on_the_company():
    torch.manual_seed(1)
    logits = torch.randn(3, 50)
    parameters = [SamplingParameters(1, 0.7 * i, 0.9, seed=i) for i in range(3)]
    together = [Sampler(p) for p in parameters]
    alone = [Sampler(p) for p in parameters]
    for _ in range(10):
        each = [next_tokens(row[None], [s])[0] for row, s in zip(logits, alone, strict=True)]
        assert next_tokens(logits, together) == each


def test_tokens_are_picked_as_often_as_they_are_likely():
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    samplers = [Sampler(SamplingParameters(1, 1.0, seed=seed)) for seed in range(4000)]
    picked = next_tokens(probabilities.log().expand(4000, -1), samplers)
    shares = torch.bincount(torch.tensor(picked), minlength=4) / 4000
    torch.testing.assert_close(shares, probabilities, atol=0.03, rtol=0)
