"""Models of the zoo that ask the stand-in for a server."""

from collections.abc import Callable
from typing import Any

import pytest

from molmo2_client.fiftyone.zoo import Molmo2Model, Molmo2ModelConfig


@pytest.fixture
def make_model(answerer: Any) -> Callable[..., Molmo2Model]:
    """Makes a model of the settings that ``load_zoo_model`` takes."""
    return lambda **settings: Molmo2Model(Molmo2ModelConfig(settings), client=answerer)
