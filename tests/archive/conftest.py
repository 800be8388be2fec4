"""The archive of the demonstration model, built by the real torch-model-archiver."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from molmo2_archive.build import Archive, build

CHECKPOINT = Path(__file__).parents[2] / "demo" / "checkpoint"


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a checkpoint's folder without weights; keywords are what its config.json says."""

    def make(name: str, **config: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": "molmo2", **config}))
        return folder

    return make


@pytest.fixture(scope="session")
def demo_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``molmo2-demo.mar``, with its weights."""
    archive = Archive("molmo2-demo", str(CHECKPOINT), carry_weights=True, config="molmo2-demo")
    return build(archive, tmp_path_factory.mktemp("model-store") / "new")


@pytest.fixture(scope="session")
def unpacked(demo_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that TorchServe makes of it."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(demo_archive) as content:
        content.extractall(folder)
    return folder
