"""How one token is picked."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molmo2_engine.generation.sampling import NonFiniteLogits, Sampler, SamplingParameters


def test_temperature_zero_takes_the_likeliest():
    sampler = Sampler(SamplingParameters(1))
    assert sampler.pick(torch.tensor([0.1, 2.0, -1.0])) == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_refused(bad):
    with pytest.raises(NonFiniteLogits):
        Sampler(SamplingParameters(1)).pick(torch.tensor([0.0, bad]))


@given(
    weights=st.lists(st.integers(1, 50), min_size=2, max_size=8),
    top_p=st.floats(0.05, 1.0),
    seed=st.integers(0, 2**31),
)
def test_only_the_nucleus_is_ever_picked(weights, top_p, seed):
    probabilities = torch.tensor(weights, dtype=torch.float64) / sum(weights)
    picked = Sampler(SamplingParameters(1, temperature=1.0, top_p=top_p, seed=seed)).pick(
        probabilities.log()
    )
    likelier = probabilities[probabilities > probabilities[picked]].sum()
    assert float(likelier) < top_p + 1e-6


def test_low_temperature_sharpens():
    logits = torch.tensor([1.0, 1.5])
    cold = Sampler(SamplingParameters(1, temperature=0.01, seed=1))
    assert {cold.pick(logits) for _ in range(50)} == {1}
    warm = Sampler(SamplingParameters(1, temperature=2.0, seed=1))
    assert {warm.pick(logits) for _ in range(50)} == {0, 1}
