"""The attributes of a model that say what it asks."""

from typing import Generic, Protocol, Self, TypeVar, overload

from pydantic import ValidationError

from molmo2_client.fiftyone.zoo.asking import explained
from molmo2_client.fiftyone.zoo.config import Molmo2ModelConfig

T = TypeVar("T")


class Configured(Protocol):
    """A model with its configuration."""

    config: Molmo2ModelConfig


class Setting(Generic[T]):
    """An attribute that is a field of ``Asking`` and is checked when it is set.

    Raises:
        ValueError: naming the setting, its bound and what is accepted.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...
    @overload
    def __get__(self, model: Configured, owner: type) -> T: ...
    def __get__(self, model: Configured | None, owner: type) -> Self | T:
        if model is None:
            return self
        value: T = getattr(model.config.asking, self._name)
        return value

    def __set__(self, model: Configured, value: T) -> None:
        try:
            setattr(model.config.asking, self._name, value)
        except ValidationError as error:
            raise ValueError(f"model.{explained(error)}") from None
