"""What is known of the released checkpoints: a data file each."""

from molmo2_archive.checkpoints.known import GPU_MEMORY, KnownCheckpoint, find, names, released

__all__ = ["GPU_MEMORY", "KnownCheckpoint", "find", "names", "released"]
