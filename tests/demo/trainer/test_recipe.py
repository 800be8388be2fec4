"""The learning rate over the steps of a stage."""

import pytest

from molmo2_trainer.recipe import Stage


def test_the_rate_grows_holds_and_falls_to_nothing():
    stage = Stage(steps=100, clips=1, rate=1.0, probes=1.0, warm_up=10, falling=0.5)
    rates = [stage.rate_at(step) for step in (0, 4, 9, 50, 75, 100)]
    assert rates == pytest.approx([0.1, 0.5, 1.0, 1.0, 0.5, 0.0])
