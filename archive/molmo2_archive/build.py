"""Writes a ``.mar`` with torch-model-archiver: handler, packages, configuration, maybe weights."""

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from molmo2_archive.archive import FIRST_VERSION, Archive
from molmo2_archive.checks import check_version
from molmo2_archive.configuration import WEIGHTS, configuration
from molmo2_archive.errors import BuildError

__all__ = ["Archive", "BuildError", "build"]

_HERE = Path(__file__).resolve().parent
_PACKAGES = ("molmo2_contract", "molmo2_engine", "molmo2_handler")
_NEVER_CARRIED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", ".*")
"""Pickles, which run code when they are read, and what programs hide."""


def build(archive: Archive, export_path: Path) -> Path:
    """Builds ``export_path/<name>.mar``, or ``<name>-<version>.mar``, and returns it.

    Raises:
        BuildError: if the checkpoint is none or not there, a hub name has no revision, a setting
            cannot be, the weights fit on no such GPU, or the archiver fails.
    """
    check_version(archive.version)
    text = configuration(archive)
    export_path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="molmo2-archive-") as work:
        content = Path(work, "content")
        _collect(archive, content)
        path = Path(work, "model-config.yaml")
        path.write_text(text)
        packed = _pack(archive, content, path, Path(work))
        return Path(shutil.move(packed, export_path / _file_name(archive)))


def _file_name(archive: Archive) -> str:
    if archive.version == FIRST_VERSION:
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
        code = () if archive.reference_python else ("*.py",)
        ignore = shutil.ignore_patterns(*_NEVER_CARRIED, *code)
        shutil.copytree(archive.checkpoint, content / WEIGHTS, ignore=ignore)


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
