"""Step 1 of the README, a dataset of the hub, needs no package that our extra does not bring."""

import tomllib
from pathlib import Path

from fiftyone.utils.huggingface import load_from_hub

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_what_loads_datasets_of_the_hub_comes_with_the_extra():
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    hub = load_from_hub.__globals__["hfh"]  # loaded by FiftyOne when it is used first

    assert any(package.startswith("huggingface-hub") for package in extras["fiftyone"])
    assert hub.HfApi.__module__.startswith("huggingface_hub")
