"""What would only fail when the server starts, told when the archive is built."""

import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from molmo2_archive.checkpoints import KnownCheckpoint
from molmo2_archive.errors import BuildError
from molmo2_engine.settings import EngineSettings
from molmo2_handler.settings import HandlerSettings

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_VERSION = re.compile(r"\w[\w.-]*")


def check_carried(checkpoint: str) -> None:
    """Refuses what holds no weights that an archive could carry.

    Raises:
        BuildError: saying what is missing.
    """
    folder = Path(checkpoint)
    if not (folder / "config.json").is_file():
        raise BuildError(f"{checkpoint}: no checkpoint folder to carry (config.json)")
    if not any(folder.glob("*.safetensors")):
        raise BuildError(f"{checkpoint}: no weights to carry; only safetensors are")


def check_checkpoint(checkpoint: str) -> None:
    """Refuses what is neither a Molmo2's folder nor a name on the hub.

    Raises:
        BuildError: saying what is wrong with it.
    """
    folder = Path(checkpoint)
    if not folder.is_dir():
        if _HUB_NAME.fullmatch(checkpoint) is None:
            raise BuildError(
                f"{checkpoint}: no such folder; on the hub a checkpoint is called OWNER/NAME"
            )
        return
    try:
        kind = json.loads((folder / "config.json").read_bytes())["model_type"]
    except FileNotFoundError:
        raise BuildError(f"{checkpoint}: has no config.json; this is not a checkpoint") from None
    except (ValueError, LookupError, TypeError) as error:
        raise BuildError(f"{checkpoint}: config.json cannot be read: {error!r}") from None
    if kind != "molmo2":
        raise BuildError(f"{checkpoint}: model_type is {kind!r}; only 'molmo2' is served")


def check_revision(checkpoint: str, asked: str | None, held: str | None, *, unpinned: bool) -> None:
    """Refuses a revision that pulled weights do not have, and one that pins nothing.

    Args:
        held: the commit that ``molmo2 weights pull`` wrote down, if it did.
        unpinned: whether a branch or a tag will do.

    Raises:
        BuildError: saying what to name instead.
    """
    if asked is None:
        return
    if held is not None and not held.startswith(asked):
        raise BuildError(
            f"{checkpoint}: holds revision {held}, not {asked}; leave --revision out, or pull "
            "that one into another folder"
        )
    if not unpinned and _COMMIT.fullmatch(asked) is None:
        raise BuildError(
            f"revision {asked!r} is no commit, and may come to mean another one; name the commit "
            "that it is now (molmo2 weights pull tells it), or take what it is when the engine "
            "starts (--unpinned)"
        )


def check_memory(known: KnownCheckpoint, engine: EngineSettings, gpu_memory: int) -> None:
    """Refuses weights, or a longest request beside them, that could not fit.

    What a forward pass takes besides, about a GB, is not counted: the engine measures it.

    Args:
        gpu_memory: GB of one GPU.

    Raises:
        BuildError: saying how much they take, and what would have room.
    """
    if engine.device == "cpu":
        return
    width = 2 if engine.dtype == "float32" else 1
    weights = known.weight_bytes * width
    tokens = engine.cache_tokens or engine.max_context_tokens
    cache = tokens * known.cache_bytes_per_token * width
    kept = weights
    if engine.quantization == "int8":
        kept -= known.text_layer_bytes * width - known.text_layer_bytes // 2
    share, gpus = engine.gpu_memory_fraction, engine.gpus_per_engine
    room = share * gpu_memory * 1e9 * gpus
    there = (
        f"there are {room / 1e9:.1f} GB ({share:g} of {gpus} times {gpu_memory} GB: "
        "gpu_memory_fraction, gpus_per_engine, --gpu-memory); name a larger GPU, or lay it over "
        "several (--set engine.gpus_per_engine=2)"
    )
    if weights > room:
        raise BuildError(
            f"{known.name}: its weights take {weights / 1e9:.1f} GB in {engine.dtype}, and {there}"
        )
    if kept + cache > room:
        setting = "cache_tokens" if engine.cache_tokens else "max_context_tokens"
        fitting = int((room - kept) / (known.cache_bytes_per_token * width)) // 1024 * 1024
        raise BuildError(
            f"{known.name}: its weights take {kept / 1e9:.1f} GB, keys and values of {tokens} "
            f"tokens ({setting}) {cache / 1e9:.1f} GB, and {there}; or lower {setting} to {fitting}"
        )


def check_engine(settings: dict[str, Any]) -> EngineSettings:
    """The ``engine`` section as an engine would read it.

    Raises:
        BuildError: naming the first setting at fault, its bound or what it is mistaken for.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        return EngineSettings(**given | {"socket": "engine.sock"})
    except ValidationError as error:
        raise _fault("engine", error) from None


def check_handler(settings: dict[str, Any]) -> None:
    """Refuses what the ``handler`` section cannot hold.

    Raises:
        BuildError: naming the first setting at fault, its bound or what it is mistaken for.
    """
    here = {"reference": False}  # the Python that it names may be on the server only
    try:
        HandlerSettings(**settings | here)
    except ValidationError as error:
        raise _fault("handler", error) from None


def _fault(section: str, error: ValidationError) -> BuildError:
    """The first of them."""
    fault = error.errors(include_url=False)[0]
    name = ".".join(map(str, (section, *fault["loc"])))
    if fault["type"] == "extra_forbidden":
        return BuildError(f"{name}: there is no such setting")
    return BuildError(f"{name}={fault['input']!r}: {fault['msg']}")


def check_version(version: str) -> None:
    """Raises BuildError where no address could name the version."""
    if not _VERSION.fullmatch(version):
        raise BuildError(
            f"--version {version}: letters, digits, points and hyphens, such as 2.0, can be in an "
            "address"
        )
