"""The peer of the engine's benchmark: transformers' own ``generate``, one question at a time."""

import torch
from transformers.models.molmo2.image_processing_molmo2 import (
    arange_for_pooling,
    batch_pixels_to_patches,
)

from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import VideoFrames


class WithGenerate:
    """Encodes the video, prefills it and decodes for each question, as the zoo model does."""

    def __init__(self, checkpoint: Checkpoint, layout: Layout) -> None:
        self._checkpoint = checkpoint
        self._layout = layout

    @torch.inference_mode()
    def answer(self, video: VideoFrames, question: list[int], new_tokens: int) -> list[int]:
        """Greedy tokens, without the one that ends the answer."""
        prefix, visual = self._layout.video_prefix(video.times)
        ids = torch.tensor([prefix + question])
        inputs = {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "mm_token_type_ids": torch.tensor([visual + [False] * len(question)]).long(),
            **self._pixels(video),
        }
        answer = self._checkpoint.model.generate(
            **{name: tensor.to(self._checkpoint.device) for name, tensor in inputs.items()},
            max_new_tokens=new_tokens,
            do_sample=False,
        )[0, ids.shape[1] :]
        return [token for token in answer.tolist() if token not in self._checkpoint.end_tokens]

    def _pixels(self, video: VideoFrames) -> dict[str, torch.Tensor]:
        """A video's patches, and which of them are pooled, as transformers' processor says it."""
        how = self._layout.frame_format
        side, (rows, columns) = how.size // how.patch_size, how.pooling_size
        patches = torch.arange(side * side).reshape(side, side)
        window, *_ = arange_for_pooling(patches, rows, columns)
        window = window.reshape(-1, rows * columns)
        first = torch.arange(len(video.frames))[:, None, None] * side * side
        pixels = (video.frames.float() / 255 - 0.5) / 0.5
        return {
            "pixel_values_videos": batch_pixels_to_patches(pixels, how.patch_size),
            "video_token_pooling": torch.where(window >= 0, window + first, -1).flatten(0, 1),
            "video_grids": torch.tensor([[len(video.frames), *how.grid]]),
        }
