"""What a form says, as arguments of ``Molmo2`` and of ``label_dataset``."""

from collections.abc import Mapping
from typing import Any

from fiftyone.operators import ExecutionContext

from molmo2_client.address import Address
from molmo2_client.sampling import Sampling
from molmo2_client.settings import Media, Settings
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.operations import PROMPTED

LABEL_FIELD = "molmo2"
"""What all new fields begin with, by default."""

_SECRETS = ("url", "model", "token", "key_file")


def connection(ctx: ExecutionContext) -> dict[str, Any]:
    """How to reach the server: the form's word, else the secret ``MOLMO2_URL`` and so on.

    What neither says is left out, for the client's own defaults. Tokens come from secrets only:
    what a form says is kept with a delegated run.
    """
    given = {name: ctx.secret(f"MOLMO2_{name.upper()}") for name in _SECRETS}
    given |= {name: said for name in ("url", "model", "media") if (said := ctx.params.get(name))}
    return {name: value for name, value in given.items() if value}


def connection_settings(ctx: ExecutionContext) -> Settings:
    """The same with all defaults.

    Raises:
        InvalidRequest: naming the first setting at fault.
    """
    settings = Settings.load(**connection(ctx))
    Address.parse(settings.url)
    return settings


def media_by_default() -> Media:
    """What the environment says of how files reach the server, for the form to begin with."""
    try:
        return Settings.load().media
    except InvalidRequest:  # of another setting, which the form tells by itself
        return "upload"


def question(params: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked and where the answers go: what ``check_labelling`` looks at."""
    names = params.get("operations") or []
    return {
        "operations": [_operation(name, params) for name in names],
        "prompt_field": (params.get("prompt_field") or None)
        if set(PROMPTED) & set(names)
        else None,
        "label_field": params.get("label_field", LABEL_FIELD),
    }


def sampling(params: Mapping[str, Any]) -> Sampling:
    """How densely videos are sampled, where the form says so."""
    return Sampling(params.get("max_frames") or None, params.get("max_fps") or None)


def pace(params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``label_dataset`` that are left, where the form says them."""
    return {
        name: params[name] for name in ("densify", "overwrite", "concurrency") if name in params
    }


def _operation(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operation": name}
    if name in PROMPTED and (prompt := params.get(prompt_of(name))):
        operation["prompt"] = prompt
    if name == "embed" and (pooling := params.get("pooling")):
        operation["pooling"] = pooling
    if name == "embed" and (per_frame := params.get("per_frame")):
        operation["per_frame"] = per_frame
    return operation


def prompt_of(operation: str) -> str:
    """The name of the parameter with the prompt of ``operation``."""
    return f"{operation}_prompt"
