"""A hub with one checkpoint, and the environment that points at it."""

from collections.abc import Iterator

import pytest
from small_hub import NAME, SmallHub, checkpoint_files, serve

from molmo2_client.weights import download


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallHub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(download, "_PAUSE", 0.0)
    with serve(SmallHub(NAME, checkpoint_files())) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
