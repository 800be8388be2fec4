"""From sampled frames to the features of their visual tokens."""

import torch
import torch.nn.functional as F
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.layout import FrameFormat


def encode_frames(
    model: Molmo2ForConditionalGeneration,
    frame_format: FrameFormat,
    frames: torch.Tensor,
    frames_at_once: int,
) -> torch.Tensor:
    """Encodes frames in chunks, which changes no value and bounds the memory.

    Args:
        frames: uint8 RGB [n, size, size, 3], on any device.

    Returns:
        Features [n * tokens a frame, hidden], on the model's device and of its dtype.
    """
    chunks = [_encode(model, frame_format, chunk) for chunk in frames.split(frames_at_once)]
    return torch.cat(chunks)


def _encode(
    model: Molmo2ForConditionalGeneration, frame_format: FrameFormat, frames: torch.Tensor
) -> torch.Tensor:
    rows, columns = frame_format.grid
    pixels = _patches(_normalise(frames.to(model.device)), frame_format.patch_size)
    features = model.get_video_features(
        pixels.to(model.dtype),
        _pooling_windows(frame_format, len(frames)).to(model.device),
        torch.tensor([[len(frames), rows, columns]]),
    )
    return features.pooler_output[0]


def _normalise(frames: torch.Tensor) -> torch.Tensor:
    """0..255 to -1..1 in float32, with the reference processor's arithmetic and mean, std 0.5."""
    return frames.to(torch.float32).div_(255).sub_(0.5).div_(0.5)


def _patches(frames: torch.Tensor, patch: int) -> torch.Tensor:
    """[n, size, size, 3] to [n, patches, patch * patch * 3], patches row by row."""
    count, size, _, channels = frames.shape
    side = size // patch
    cut = frames.reshape(count, side, patch, side, patch, channels).transpose(2, 3)
    return cut.reshape(count, side * side, patch * patch * channels)


def _pooling_windows(frame_format: FrameFormat, count: int) -> torch.Tensor:
    """Patch indices that each visual token pools: int64 [count * tokens, window], -1 is padding."""
    side = frame_format.size // frame_format.patch_size
    (rows, columns), (height, width) = frame_format.grid, frame_format.pooling_size
    spare_rows, spare_columns = rows * height - side, columns * width - side
    around = (
        spare_columns // 2,
        spare_columns - spare_columns // 2,
        spare_rows // 2,
        spare_rows - spare_rows // 2,
    )
    index = F.pad(torch.arange(side * side).reshape(side, side), around, value=-1)
    windows = (
        index.reshape(rows, height, columns, width).transpose(1, 2).reshape(-1, height * width)
    )
    offsets = torch.arange(count)[:, None, None] * side * side
    return torch.where(windows >= 0, windows + offsets, windows).reshape(-1, height * width)
