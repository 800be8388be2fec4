"""How a checkpoint wants its frames and images cut, read from its processor's configuration."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molmo2_engine.model.refused import CheckpointRefused

_PROCESSOR = "processor_config.json"
_VIDEOS = "video_preprocessor_config.json"
_IMAGES = "preprocessor_config.json"


@dataclass(frozen=True)
class FrameFormat:
    """How a checkpoint cuts a frame; from its processor's configuration."""

    size: int
    """Pixels; a frame is a square."""
    patch_size: int
    """Pixels of a square patch of the vision encoder."""
    pooling_size: tuple[int, int]
    """Rows and columns of patches that become one visual token."""
    column_tokens: bool
    """Whether a token closes each row of visual tokens."""
    frame_tokens: bool
    """Whether frames are wrapped in frame tokens instead of image tokens."""

    @classmethod
    def read(cls, folder: Path) -> "FrameFormat":
        """Reads ``processor_config.json`` and, in the hub's layout, the video file beside it.

        Raises:
            CheckpointRefused: naming the file that is missing, or what is in neither.
        """
        with _read(folder, _VIDEOS, "video_processor") as (processor, video):
            if video is None:
                raise CheckpointRefused(
                    f"{folder}: {_VIDEOS} is missing; pull the checkpoint again"
                )
            pool_rows, pool_columns = video["pooling_size"]
            return cls(
                size=video["size"]["height"],
                patch_size=video["patch_size"],
                pooling_size=(pool_rows, pool_columns),
                column_tokens=processor["video_use_col_tokens"],
                frame_tokens=processor["use_frame_special_tokens"],
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of visual tokens in a frame."""
        patches = self.size // self.patch_size
        return -(-patches // self.pooling_size[0]), -(-patches // self.pooling_size[1])


@dataclass(frozen=True)
class ImageFormat:
    """How a checkpoint cuts an image; from its processor's configuration."""

    size: int
    """Pixels; a crop is a square."""
    patch_size: int
    """Pixels of a square patch of the vision encoder."""
    pooling_size: tuple[int, int]
    """Rows and columns of patches that become one visual token."""
    max_crops: int
    """Crops beside the one of the whole image."""
    overlap_margins: tuple[int, int]
    """Patches by which a crop reaches into its neighbours, before and after."""
    column_tokens: bool
    """Whether a token closes each row of visual tokens."""
    whole_column_tokens: bool
    """The same for the crop of the whole image."""
    whole_start_token: bool
    """Whether the crop of the whole image starts with a token of its own."""

    @classmethod
    def read(cls, folder: Path) -> "ImageFormat | None":
        """As ``FrameFormat.read``; None where the checkpoint says nothing about images."""
        with _read(folder, _IMAGES, "image_processor") as (processor, image):
            if image is None:
                return None
            columns = processor["image_use_col_tokens"]
            whole_columns = processor["use_single_crop_col_tokens"]
            return cls(
                size=image["size"]["height"],
                patch_size=image["patch_size"],
                pooling_size=tuple(image["pooling_size"]),
                max_crops=image["max_crops"],
                overlap_margins=tuple(image["overlap_margins"]),
                column_tokens=columns,
                whole_column_tokens=columns if whole_columns is None else whole_columns,
                whole_start_token=processor["use_single_crop_start_token"],
            )


@contextmanager
def _read(folder: Path, beside: str, part: str) -> Iterator[tuple[Any, Any]]:
    """The processor's configuration, and that of a part: the file ``beside``, or an entry in it."""
    file = _PROCESSOR
    try:
        processor = json.loads((folder / file).read_text())
        if (folder / beside).exists():
            file = beside
            pixels = json.loads((folder / file).read_text())
        else:
            pixels = processor.get(part)
        yield processor, pixels
    except KeyError as missing:
        raise CheckpointRefused(f"{folder / file}: has no {missing.args[0]}") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointRefused(f"{folder / file}: cannot be read: {error}") from None


@dataclass(frozen=True)
class ImageGrid:
    """Rows and columns of visual tokens of one image."""

    whole: tuple[int, int]
    parts: tuple[int, int]
