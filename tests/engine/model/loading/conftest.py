"""Checkpoints in the hub's layout, of both kinds."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_checkpoint import KINDS, write_hub_checkpoint
from torch import Tensor

from molmo2_engine.model.checkpoint import load


@pytest.fixture(scope="module", params=KINDS)
def hub_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hub_checkpoint(tmp_path_factory.mktemp("hub"), KINDS[request.param])


@pytest.fixture
def copied(hub_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(hub_folder, tmp_path / "copy")


@pytest.fixture(scope="session")
def weights() -> Callable[..., dict[str, Tensor]]:
    """The weights of a folder's model, loaded as the engine does."""
    return lambda folder, dtype="float32": load(str(folder), None, "cpu", dtype).model.state_dict()
