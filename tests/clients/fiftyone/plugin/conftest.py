"""The plugin as FiftyOne loads it, in front of a real TorchServe with the echo archive."""

import asyncio

import pytest

from molmo2_client.fiftyone.plugin.link import link_plugin

SECRETS = ("URL", "MODEL", "TOKEN", "KEY_FILE", "MEDIA")


@pytest.fixture
def plugins(database, tmp_path, monkeypatch):
    """FiftyOne's plugins folder, with the link to ours; no secret is set."""
    import fiftyone as fo

    monkeypatch.setattr(fo.config, "plugins_dir", str(tmp_path / "plugins"))
    for name in SECRETS:
        monkeypatch.delenv(f"MOLMO2_{name}", raising=False)
    link_plugin()
    return tmp_path / "plugins"


@pytest.fixture
def secrets(plugins, torchserve, monkeypatch):
    """Those of the test server."""
    monkeypatch.setenv("MOLMO2_URL", torchserve.http_url)
    monkeypatch.setenv("MOLMO2_MODEL", "echo")
    monkeypatch.setenv("MOLMO2_KEY_FILE", str(torchserve.key_file))


@pytest.fixture
def form(plugins):
    """What the App shows of an operator's form: name to property."""
    from fiftyone.operators import OperatorRegistry
    from fiftyone.operators.executor import resolve_type

    def resolve(operator, dataset=None, **params):
        request = {"params": params, "target": "inputs"}
        if dataset is not None:
            request |= {"dataset_name": dataset.name, "view": []}
        uri = f"@molmo2/molmo2/{operator}"
        resolved = asyncio.run(resolve_type(OperatorRegistry(), uri, request))
        return resolved.to_json()["type"]["properties"]

    return resolve
