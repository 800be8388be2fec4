"""From pixels to the features of visual tokens."""

import torch
from transformers.models.molmo2.image_processing_molmo2 import (
    arange_for_pooling,
    batch_pixels_to_patches,
)

from molmo2_engine.model.vision_encoder import VisionEncoder
from molmo2_engine.prompt.formats import FrameFormat
from molmo2_engine.prompt.media import Crops


def encode_frames(
    encoder: VisionEncoder,
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
        return _encode(encoder, chunk, every, patch)

    return torch.cat([encode_chunk(chunk) for chunk in frames.split(frames_at_once)])


def encode_images(encoder: VisionEncoder, images: list[Crops], patch_size: int) -> torch.Tensor:
    """Encodes images one by one: features [tokens of all, hidden]."""
    return torch.cat([_encode(encoder, i.crops, i.windows, patch_size) for i in images])


def _encode(
    encoder: VisionEncoder, crops: torch.Tensor, windows: torch.Tensor, patch_size: int
) -> torch.Tensor:
    """``windows``: int64 [tokens, window], into the patches of all ``crops``; -1 is padding."""
    return encoder(to_patches(crops.to(encoder.device), patch_size), windows.to(encoder.device))


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
