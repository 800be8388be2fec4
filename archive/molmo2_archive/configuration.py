"""An archive's ``model-config.yaml``: a configuration, what is known of its checkpoint, changes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from molmo2_archive import changes, checkpoints
from molmo2_archive.archive import Archive
from molmo2_archive.checks import (
    check_carried,
    check_checkpoint,
    check_engine,
    check_handler,
    check_memory,
    check_revision,
)
from molmo2_archive.digests import digests
from molmo2_archive.errors import BuildError
from molmo2_contract.weights import WeightsRecord, content_revision

WEIGHTS = "weights"
"""The folder of an archive that carries them."""

_CONFIGS = Path(__file__).resolve().parent / "configs"
_FOR_CHECKPOINTS = "checkpoint"
"""The configuration whose context and slots are those of the checkpoint and the GPU."""


@dataclass(frozen=True)
class _Described:
    """What is known of a checkpoint before it is loaded."""

    record: WeightsRecord | None
    known: checkpoints.KnownCheckpoint | None
    """The released checkpoint that it is, or is like."""
    name: str | None
    """What answers are to name; None leaves it to the engine."""


def configuration(archive: Archive) -> str:
    """The file's text, with the notes of the checkpoint before it.

    Raises:
        BuildError: naming what cannot be.
    """
    if archive.carry_weights:
        check_carried(archive.checkpoint)
    check_checkpoint(archive.checkpoint)
    described = _describe(archive)
    memory = _gpu_memory(archive, described.known)
    config = _read(archive.config)
    config["engine"] |= _checkpoint(archive, described.record)
    _follow(described, config, memory, over=archive.config == _FOR_CHECKPOINTS)
    if archive.reference_python is not None:
        config["handler"] |= _reference(archive)
    for asked in archive.changes:
        _change(config, asked)
    check_handler(config["handler"])
    engine = check_engine(config["engine"])
    if described.known is not None and memory is not None and config.get("deviceType") != "cpu":
        check_memory(described.known, engine, memory)
    return _notes(archive, described.known) + yaml.safe_dump(config, sort_keys=False)


def _describe(archive: Archive) -> _Described:
    try:
        record = WeightsRecord.read(Path(archive.checkpoint))
    except ValueError as error:
        raise BuildError(f"{archive.checkpoint}: its record cannot be read: {error}") from None
    source = record.source if record else None
    folder = Path(archive.checkpoint).resolve().name
    name = source or (folder if archive.carry_weights else None)  # the engine's is WEIGHTS then
    if archive.like is None:
        known = checkpoints.find(source or archive.checkpoint)
        return _Described(record, known, known.name if known else name)
    known = checkpoints.find(archive.like)
    if known is None:
        raise BuildError(f"--like {archive.like}: is none of {checkpoints.names()}")
    return _Described(record, known, name)


def _gpu_memory(archive: Archive, known: checkpoints.KnownCheckpoint | None) -> int | None:
    if archive.gpu_memory is not None and known is None:
        raise BuildError(
            f"--gpu-memory {archive.gpu_memory}: has settings for {checkpoints.names()}, and "
            f"{archive.checkpoint} is none of them; name the one that it was made from (--like "
            "allenai/Molmo2-4B), or leave it out and set engine.max_context_tokens and "
            "engine.max_sequences (--set)"
        )
    if archive.gpu_memory is None and archive.config == _FOR_CHECKPOINTS:
        return checkpoints.GPU_MEMORY[0]
    return archive.gpu_memory


def _read(name: str) -> dict[str, Any]:
    of_ones_own = name.endswith(".yaml")
    path = Path(name) if of_ones_own else _CONFIGS / f"{name}.yaml"
    if not path.is_file():
        names = sorted(config.stem for config in _CONFIGS.glob("*.yaml"))
        raise BuildError(
            f"no configuration {name!r}; name a .yaml file or one of {', '.join(names)}"
        )
    try:
        config = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BuildError(f"{name}: is not YAML: {error}") from None
    if not isinstance(config, dict):
        raise BuildError(f"{name}: is no model-config.yaml: settings, a name and a value each")
    for section in ("handler", "engine"):
        config[section] = config.get(section) or {}
        if not isinstance(config[section], dict):
            raise BuildError(f"{name}: {section} is a section, and is {config[section]!r}")
    return config


def _checkpoint(archive: Archive, record: WeightsRecord | None) -> dict[str, str]:
    """Where the engine finds its weights, and at which revision."""
    held = record.revision if record else None
    check_revision(archive.checkpoint, archive.revision, held, unpinned=archive.unpinned)
    folder = Path(archive.checkpoint)
    # By its absolute path, since TorchServe runs elsewhere.
    named = str(folder.resolve()) if folder.is_dir() else archive.checkpoint
    found = {"checkpoint": WEIGHTS if archive.carry_weights else named}
    revision = archive.revision if record is None else held or archive.revision or record.pinned
    if revision is None and folder.is_dir() and not archive.unpinned:
        revision = content_revision(digests(folder))
    if revision is not None:
        found["revision"] = revision
    elif not archive.unpinned:
        raise BuildError(
            f"{archive.checkpoint}: which revision? Name the hub's commit (--revision); or pull "
            f"the weights, which pins it (molmo2 weights pull {archive.checkpoint} FOLDER), and "
            "build from the folder; or take what is there when the engine starts (--unpinned)"
        )
    return found


def _follow(described: _Described, config: dict[str, Any], memory: int | None, over: bool) -> None:
    """Adds what the checkpoint and its GPU ask for; what a file of one's own says stays.

    ``over``: whether their context and slots beat those of the configuration.
    """
    handler = {} if described.name is None else {"checkpoint": described.name}
    if described.known is not None:
        handler["operations"] = described.known.operations
        if memory is not None:
            settings, engine = described.known.engine_settings(memory), config["engine"]
            config["engine"] = engine | settings if over else settings | engine
    config["handler"] = handler | config["handler"]


def _change(config: dict[str, Any], asked: str) -> None:
    try:
        changes.change(config, asked)
    except changes.NoSuchSetting as error:
        raise BuildError(str(error)) from None


def _reference(archive: Archive) -> dict[str, Any]:
    assert archive.reference_python is not None
    if not Path(archive.checkpoint).is_dir():
        raise BuildError(
            f"{archive.checkpoint}: the reference answers from a local folder that has the "
            f"weights and the released code; pull it first (molmo2 weights pull "
            f"{archive.checkpoint} FOLDER)"
        )
    if not any(Path(archive.checkpoint).glob("*.py")):
        raise BuildError(
            f"{archive.checkpoint}: the released code is not here; look at it, then put the .py "
            "files of its repository beside the weights, e.g. hf download allenai/Molmo2-4B "
            f"--include '*.py' --local-dir {archive.checkpoint}"
        )
    # Not resolved: the Python of a virtual environment is a link to one that knows none of it.
    return {"reference": True, "reference_python": str(archive.reference_python.absolute())}


def _notes(archive: Archive, known: checkpoints.KnownCheckpoint | None) -> str:
    """What is to be known of a checkpoint, as the first lines of its configuration."""
    if known is None:
        return ""
    lines = known.notes.splitlines()
    if archive.like is not None:
        lines.insert(0, f"{archive.checkpoint}, made from and served like {known.name}:")
    return "".join(f"# {line}\n" for line in lines) + "\n"
