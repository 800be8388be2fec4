"""What one server takes as a video. Settings of its operator; every refusal names its setting."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _absolute(root: Path) -> Path:
    if not root.is_absolute():
        raise ValueError(f"'{root}' must be an absolute path")
    return root


class VideoLimits(BaseModel):
    """Bounds on the videos that a server opens, and on what it spends on one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_roots: tuple[Annotated[Path, AfterValidator(_absolute)], ...] = Field(
        (), description="Folders whose files a file: URI may name. None: bytes only."
    )
    max_video_bytes: int = Field(512 * 2**20, gt=0, description="Bytes of one video.")
    max_duration: float = Field(4 * 3600.0, gt=0, description="Seconds of one video.")
    max_frame_count: int = Field(2_000_000, gt=0, description="Frames stored in one video.")
    max_pixels: int = Field(8192 * 4320, gt=0, description="Pixels of one stored frame.")
    decode_threads: int = Field(1, ge=1, description="Threads that decode one video.")
