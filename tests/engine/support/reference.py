"""What transformers makes of the inputs that the engine is given, on the same weights."""

from dataclasses import dataclass
from typing import Any

import torch
from native_checkpoint import SIZE
from tiny_tokenizer import MEDIA
from transformers.models.molmo2.image_processing_molmo2 import (
    arange_for_pooling,
    batch_pixels_to_patches,
)

from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.prompt.media import Crops


@dataclass(frozen=True, repr=False)
class TestVideo:
    """Random frames, uint8 [n, size, size, 3], and their times in seconds."""

    __test__ = False

    key: bytes
    frames: torch.Tensor
    times: list[float]


def make_video(seed: int, count: int) -> TestVideo:
    random = torch.Generator().manual_seed(seed)
    frames = torch.randint(0, 256, (count, SIZE, SIZE, 3), generator=random, dtype=torch.uint8)
    return TestVideo(f"{seed}-{count}".encode(), frames, [0.5 * i for i in range(count)])


@dataclass(frozen=True)
class Reference:
    """transformers' own answer to one question about one video, on the same weights."""

    checkpoint: Checkpoint

    def inputs(self, video: TestVideo, prompt: str) -> dict[str, torch.Tensor]:
        """Model inputs made from one string, as the released processor does."""
        tokenizer = self.checkpoint.tokenizer
        frame = "<im_start>" + "<im_patch>" * 4 + "<im_end>"
        prefix = " ".join(f"{time:.1f} {frame}" for time in video.times)
        turns = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
        ids = tokenizer("<|im_end|>" + prefix + turns, return_tensors="pt").input_ids
        media = torch.tensor(tokenizer.convert_tokens_to_ids(MEDIA))
        pixels = (video.frames.float() / 255 - 0.5) / 0.5
        side = SIZE // 14
        window = arange_for_pooling(torch.arange(side * side).reshape(side, side), 3, 3)[0]
        offsets = torch.arange(len(video.frames))[:, None, None] * side * side
        return {
            "input_ids": ids,
            "mm_token_type_ids": torch.isin(ids, media).long(),
            "pixel_values_videos": batch_pixels_to_patches(pixels, 14),
            "video_token_pooling": (window[None] + offsets).reshape(-1, 9),
            "video_grids": torch.tensor([[len(video.frames), 2, 2]]),
        }

    def image_inputs(self, images: list[Crops], prompt: str) -> dict[str, torch.Tensor]:
        """The same for images, whose crops and windows are those of transformers' processor."""
        tokenizer = self.checkpoint.tokenizer
        prefix, windows, patches = "", [], 0
        for number, image in enumerate(images, start=1):
            (low_rows, low_columns), (rows, columns) = image.grid.whole, image.grid.parts
            whole = "<im_patch>" * low_columns * low_rows
            parts = ("<im_patch>" * columns + "<im_col>") * rows
            prefix += f"Image {number}" if len(images) > 1 else ""
            prefix += f"<low_res_im_start>{whole}<im_end><im_start>{parts}<im_end>"
            windows.append(torch.where(image.windows >= 0, image.windows + patches, -1))
            patches += len(image.crops) * (SIZE // 14) ** 2
        turns = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
        ids = tokenizer("<|im_end|>" + prefix + turns, return_tensors="pt").input_ids
        media = torch.tensor(tokenizer.convert_tokens_to_ids(MEDIA))
        pixels = (torch.cat([image.crops for image in images]).float() / 255 - 0.5) / 0.5
        return {
            "input_ids": ids,
            "mm_token_type_ids": torch.isin(ids, media).long(),
            "pixel_values": batch_pixels_to_patches(pixels, 14),
            "image_token_pooling": torch.cat(windows),
            "image_grids": torch.tensor([[*i.grid.whole, *i.grid.parts] for i in images]),
            "image_num_crops": torch.tensor([len(image.crops) for image in images]),
        }

    def greedy(self, video: TestVideo, prompt: str, new_tokens: int) -> list[int]:
        """Greedy tokens about a video, without the one that ends the sequence."""
        return self.generate(self.inputs(video, prompt), new_tokens)

    def generate(
        self, inputs: dict[str, torch.Tensor], new_tokens: int, **options: Any
    ) -> list[int]:
        with torch.inference_mode():
            ids = self.checkpoint.model.generate(
                **inputs, max_new_tokens=new_tokens, do_sample=False, **options
            )
        answer = ids[0, inputs["input_ids"].shape[1] :].tolist()
        return [token for token in answer if token not in self.checkpoint.end_tokens]
