"""The strictness that every model on the wire shares."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from molmo2_contract.limits import MAX_TIMEOUT, MAX_URI_CHARACTERS


def _a_number(value: Any) -> Any:
    """Pydantic would read true as 1 and "8" as 8; the JSON Schema promises numbers."""
    if isinstance(value, bool | str | bytes):
        raise ValueError("must be a number")
    return value


JSON_NUMBER = BeforeValidator(_a_number)
"""Marks a field of a request that takes a number, and nothing that can be read as one."""

Timeout = Annotated[
    float, Field(gt=0, le=MAX_TIMEOUT, description="Seconds for the whole of it."), JSON_NUMBER
]

RequestId = Annotated[str, Field(min_length=1, max_length=128)]

Uri = Annotated[str, Field(min_length=1, max_length=MAX_URI_CHARACTERS)]


class WireModel(BaseModel):
    """Refuses unknown fields by name, and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)
