"""Models of the zoo that ask the stand-in for a server."""

from collections.abc import Callable
from typing import Any

import fiftyone as fo
import pytest

from molmo2_client.fiftyone.zoo import Molmo2Model, Molmo2ModelConfig


@pytest.fixture
def make_model(answerer: Any) -> Callable[..., Molmo2Model]:
    """Makes a model of the settings that ``load_zoo_model`` takes."""
    return lambda **settings: Molmo2Model(Molmo2ModelConfig(settings), client=answerer)


@pytest.fixture
def apply() -> Callable[..., None]:
    """``apply_model`` that raises what fails, unless it is told to skip it."""

    def apply(
        view: fo.Dataset, model: Molmo2Model, label_field: str = "f", **settings: Any
    ) -> None:
        settings = {"skip_failures": False, "progress": False, **settings}
        view.apply_model(model, label_field, **settings)

    return apply
