"""The strictness that every model on the wire shares."""

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """Refuses unknown fields by name, and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)
