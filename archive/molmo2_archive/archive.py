"""What an archive is to hold."""

from dataclasses import dataclass
from pathlib import Path

FIRST_VERSION = "1.0"


@dataclass(frozen=True)
class Archive:
    """What is asked for."""

    name: str
    checkpoint: str
    """A checkpoint's folder, or its name on the Hugging Face hub."""
    carry_weights: bool
    """Copy the folder into the archive, instead of naming where it will be found."""
    config: str = "checkpoint"
    """Which configuration of ``configs`` to start from, or a file of one's own, ``….yaml``."""
    revision: str | None = None
    """The hub's commit; by default that of the folder, as ``molmo2 weights pull`` recorded it, or
    a digest of what the folder holds."""
    unpinned: bool = False
    """Take whatever the hub, or the folder, has when the engine starts, where no revision is
    known."""
    like: str | None = None
    """The released checkpoint that this one was made from, whose settings and notes it gets."""
    gpu_memory: int | None = None
    """GB of the GPU that a released checkpoint, or one like it, is to be served on; by default 24
    where the configuration is none of one's own."""
    reference_python: Path | None = None
    """Let the released code answer, run by this Python; see ``HandlerSettings.reference``."""
    changes: tuple[str, ...] = ()
    """Settings that differ, e.g. ``engine.quantization=int8``."""
    version: str = FIRST_VERSION
    """Another one gives the file another name, so that a store holds both."""
