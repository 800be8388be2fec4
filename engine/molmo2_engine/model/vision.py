"""From pixels to the features of visual tokens."""

import torch
from transformers import Molmo2ForConditionalGeneration
from transformers.models.molmo2.image_processing_molmo2 import (
    arange_for_pooling,
    batch_pixels_to_patches,
)

from molmo2_engine.prompt.formats import FrameFormat
from molmo2_engine.prompt.media import Crops


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
    patch = frame_format.patch_size
    windows = _frame_windows(frame_format)
    patches = (frame_format.size // patch) ** 2

    def encode_chunk(chunk: torch.Tensor) -> torch.Tensor:
        offsets = torch.arange(len(chunk))[:, None, None] * patches
        every = torch.where(windows >= 0, windows + offsets, windows).flatten(0, 1)
        return _encode(model, chunk, every, patch)

    return torch.cat([encode_chunk(chunk) for chunk in frames.split(frames_at_once)])


def encode_images(
    model: Molmo2ForConditionalGeneration, images: list[Crops], patch_size: int
) -> torch.Tensor:
    """Encodes images one by one: features [tokens of all, hidden]."""
    return torch.cat([_encode(model, i.crops, i.windows, patch_size) for i in images])


def _encode(
    model: Molmo2ForConditionalGeneration, crops: torch.Tensor, windows: torch.Tensor, patch: int
) -> torch.Tensor:
    """``windows``: int64 [tokens, window], into the patches of all ``crops``; -1 is padding."""
    features = model.get_image_features(
        to_patches(crops.to(model.device), patch).to(model.dtype),
        windows.to(model.device),
        torch.tensor([[len(windows), 1, 0, 0]]),  # tokens, in one piece
    )
    return features.pooler_output[0]


def to_patches(pixels: torch.Tensor, patch_size: int) -> torch.Tensor:
    """From uint8 RGB [n, size, size, 3] to what the vision encoder sees.

    Returns:
        float32 [n, patches, 3 * patch_size ** 2] from -1 to 1, by the reference processor's
        arithmetic, to the bit.
    """
    normalised = pixels.to(torch.float32).div_(255).sub_(0.5).div_(0.5)
    return batch_pixels_to_patches(normalised, patch_size)


def _frame_windows(frame_format: FrameFormat) -> torch.Tensor:
    """The pooling windows of one frame: int64 [tokens, window]."""
    side = frame_format.size // frame_format.patch_size
    patches = torch.arange(side * side).reshape(side, side)
    return arange_for_pooling(patches, *frame_format.pooling_size)[0]
