"""Reads the data files, and finds the one that a checkpoint is described by."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

GPU_MEMORY = (24, 40, 48, 80, 141)
"""GB of the GPUs that the data files have settings for."""


class KnownCheckpoint(BaseModel):
    """A released checkpoint: its limits, and how it is served on GPUs of several sizes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """On the hub."""
    notes: str
    operations: list[str] | None
    """What it was trained to answer; None is everything."""
    weight_bytes: int
    """In bfloat16."""
    text_layer_bytes: int
    """Of them those of the text layers, which int8 halves."""
    cache_bytes_per_token: int
    """In bfloat16."""
    gpus: dict[int, dict[str, int]]
    """By memory in GB: settings of the engine."""

    def engine_settings(self, gpu_memory: int) -> dict[str, int]:
        """Those for the largest GPU that ``gpu_memory`` GB reach; the smallest one's below it."""
        reached = [size for size in sorted(self.gpus) if size <= gpu_memory]
        return self.gpus[reached[-1] if reached else min(self.gpus)]


def find(name: str) -> KnownCheckpoint | None:
    """The released checkpoint of this hub name, or of a folder called like it, here or in a store.

    Upper and lower case are alike.
    """
    owner, _, wanted = name.rstrip("/").lower().rpartition("/")
    is_folder = "/" in owner or not owner or Path(name).is_dir()
    for known in released():
        known_owner, _, known_name = known.name.lower().partition("/")
        if wanted == known_name and (owner == known_owner or is_folder):
            return known
    return None


def names() -> str:
    """Those of all released checkpoints, for a message."""
    return ", ".join(known.name for known in released())


@cache
def released() -> tuple[KnownCheckpoint, ...]:
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    return tuple(KnownCheckpoint(**_read(path)) for path in files)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content
