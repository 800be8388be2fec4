"""Writes a ``.mar`` with torch-model-archiver: handler, packages, configuration, maybe weights."""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from molmo2_archive import changes, checkpoints
from molmo2_archive.checks import (
    check_checkpoint,
    check_handler,
    check_memory,
    check_revision,
    check_version,
)
from molmo2_archive.errors import BuildError
from molmo2_contract.weights import WeightsRecord

_HERE = Path(__file__).resolve().parent
_PACKAGES = ("molmo2_contract", "molmo2_engine", "molmo2_handler")
_WEIGHTS = "weights"
_FIRST_VERSION = "1.0"


@dataclass(frozen=True)
class Archive:
    """What an archive is to hold."""

    name: str
    checkpoint: str
    """A checkpoint's folder, or its name on the Hugging Face hub."""
    carry_weights: bool
    """Copy the folder into the archive, instead of naming where it will be found."""
    config: str = "checkpoint"
    """Which configuration of ``configs`` to start from, or a file of one's own, ``….yaml``."""
    revision: str | None = None
    """The hub's commit; by default that of the folder, as ``molmo2 weights pull`` recorded it."""
    unpinned: bool = False
    """Take whatever the hub has when the engine starts, where no revision is known."""
    gpu_memory: int = checkpoints.GPU_MEMORY[0]
    """GB of the GPU that a released checkpoint is to be served on."""
    reference_python: Path | None = None
    """Let the released code answer, run by this Python; see ``HandlerSettings.reference``."""
    changes: tuple[str, ...] = ()
    """Settings that differ, e.g. ``engine.quantization=int8``."""
    version: str = _FIRST_VERSION
    """Another one gives the file another name, so that a store holds both."""


def build(archive: Archive, export_path: Path) -> Path:
    """Builds ``export_path/<name>.mar``, or ``<name>-<version>.mar``, and returns it.

    Raises:
        BuildError: if the checkpoint is none or not there, a hub name has no revision, a setting
            cannot be, the weights fit on no such GPU, or the archiver fails.
    """
    check_version(archive.version)
    known, config = _configure(archive)
    export_path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="molmo2-archive-") as work:
        content = Path(work, "content")
        _collect(archive, content)
        path = Path(work, "model-config.yaml")
        path.write_text(_notes(known) + yaml.safe_dump(config, sort_keys=False))
        packed = _pack(archive, content, path, Path(work))
        return Path(shutil.move(packed, export_path / _file_name(archive)))


def _file_name(archive: Archive) -> str:
    if archive.version == _FIRST_VERSION:
        return f"{archive.name}.mar"
    return f"{archive.name}-{archive.version}.mar"


def _collect(archive: Archive, content: Path) -> None:
    """Lays out what is in the archive beside its handler and its configuration."""
    for package in _PACKAGES:
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise BuildError(f"{package} is not installed; pip install 'molmo2-torchserve[server]'")
        source = spec.submodule_search_locations[0]
        ignore = shutil.ignore_patterns("__pycache__", "*.pyi", "*.proto")
        shutil.copytree(source, content / "packages" / package, ignore=ignore)
    shutil.copy(_HERE / "entry" / "torch.py", content)
    if archive.carry_weights:
        if not Path(archive.checkpoint, "config.json").is_file():
            raise BuildError(f"{archive.checkpoint}: no checkpoint folder to carry (config.json)")
        shutil.copytree(archive.checkpoint, content / _WEIGHTS)


def _configure(
    archive: Archive,
) -> tuple[checkpoints.KnownCheckpoint | None, dict[str, Any]]:
    """The configuration, and the released checkpoint that it follows if it is one."""
    if not archive.carry_weights:
        check_checkpoint(archive.checkpoint)
    record = _record(archive)
    held = record.revision if record else None
    check_revision(archive.checkpoint, archive.revision, held, unpinned=archive.unpinned)
    known = checkpoints.find(record.source if record else archive.checkpoint)
    config = _model_config(archive)
    revision = held or archive.revision
    if revision is not None:
        config["engine"]["revision"] = revision
    elif not (archive.unpinned or Path(archive.checkpoint).is_dir() or archive.carry_weights):
        raise BuildError(
            f"{archive.checkpoint}: which revision? Name the hub's commit (--revision); or pull "
            f"the weights, which pins it (molmo2 weights pull {archive.checkpoint} FOLDER), and "
            "build from the folder; or take what is there when the engine starts (--unpinned)"
        )
    if known is not None and archive.config == "checkpoint":
        config["engine"] |= known.engine_settings(archive.gpu_memory)
        config["handler"] |= {"checkpoint": known.name, "operations": known.operations}
    elif record is not None:
        config["handler"]["checkpoint"] = record.source
    if archive.reference_python is not None:
        config["handler"] |= _reference(archive)
    for asked in archive.changes:
        _change(config, asked)
    check_handler(config["handler"])
    if known is not None and archive.config == "checkpoint":
        check_memory(known, config, archive.gpu_memory)
    return known, config


def _change(config: dict[str, Any], asked: str) -> None:
    try:
        changes.change(config, asked)
    except changes.NoSuchSetting as error:
        raise BuildError(str(error)) from None


def _reference(archive: Archive) -> dict[str, Any]:
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


def _record(archive: Archive) -> WeightsRecord | None:
    try:
        return WeightsRecord.read(Path(archive.checkpoint))
    except ValueError as error:
        raise BuildError(f"{archive.checkpoint}: its record cannot be read: {error}") from None


def _notes(known: checkpoints.KnownCheckpoint | None) -> str:
    """What is to be known of a checkpoint, as the first lines of its configuration."""
    if known is None:
        return ""
    return "".join(f"# {line}\n" for line in known.notes.splitlines()) + "\n"


def _model_config(archive: Archive) -> dict[str, Any]:
    ours = _HERE / "configs"
    of_ones_own = archive.config.endswith(".yaml")
    path = Path(archive.config) if of_ones_own else ours / f"{archive.config}.yaml"
    if not path.is_file():
        names = sorted(config.stem for config in ours.glob("*.yaml"))
        raise BuildError(
            f"no configuration {archive.config!r}; name a .yaml file or one of {', '.join(names)}"
        )
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    config["engine"]["checkpoint"] = _WEIGHTS if archive.carry_weights else _named(archive)
    return config


def _named(archive: Archive) -> str:
    """A local folder by its absolute path, since TorchServe runs elsewhere; else a hub name."""
    folder = Path(archive.checkpoint)
    return str(folder.resolve()) if folder.is_dir() else archive.checkpoint


def _pack(archive: Archive, content: Path, config: Path, work: Path) -> Path:
    command = [
        *(sys.executable, "-m", "model_archiver.model_packaging"),
        *("--model-name", archive.name),
        *("--version", archive.version),
        *("--handler", str(_HERE / "entry" / "molmo2_service.py")),
        *("--config-file", str(config)),
        *("--extra-files", str(content)),
        *("--export-path", str(work)),
    ]
    # The archiver works in a folder named after the model in the temporary directory.
    done = subprocess.run(command, env={"TMPDIR": str(work)}, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.rpartition("Error: ")[2].strip()  # what follows its traceback
        raise BuildError(f"torch-model-archiver failed: {reason or done.stdout.strip()}")
    return work / f"{archive.name}.mar"
