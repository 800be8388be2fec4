"""In 16 bits, logits differ from the unbatched model's as much as batching makes them differ."""

from functools import partial

import pytest
import torch

from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model import runner
from molmo2_engine.model.fused_text import FusedText
from molmo2_engine.model.kernels import operations as kernels
from molmo2_engine.model.text import TransformersText
from molmo2_engine.prompt.media import VideoFrames

PROMPTS = ["Point to the penguins.", "How many?", "Track the red car.", "Describe this video."]


@pytest.fixture(scope="module")
def rounded(checkpoint, device):
    """In float16 where kernels are interpreted: the interpreter cuts bfloat16 off, unrounded."""
    dtype = "bfloat16" if device.type == "cuda" else "float16"
    return checkpoints.load(str(checkpoint.folder), None, str(device), dtype)


@torch.inference_mode()
def one_by_one(checkpoint, reference, clip):
    logits = []
    for prompt in PROMPTS:
        inputs = {n: t.to(checkpoint.device) for n, t in reference.inputs(clip, prompt).items()}
        logits.append(checkpoint.model(**inputs).logits[0, -1])
    return torch.stack(logits).float()


@torch.inference_mode()
def batched(checkpoint, reference, clip):
    """As ``generate`` does it: padded on the left."""
    rows = [reference.inputs(clip, prompt) for prompt in PROMPTS]
    width = max(row["input_ids"].shape[1] for row in rows)
    padding = [width - row["input_ids"].shape[1] for row in rows]

    def padded(name, fill):
        parts = [
            torch.nn.functional.pad(row[name], (count, 0), value=fill)
            for row, count in zip(rows, padding, strict=True)
        ]
        return torch.cat(parts)

    windows, patches = rows[0]["video_token_pooling"], rows[0]["pixel_values_videos"].shape[0] * 36
    inputs = {
        "input_ids": padded("input_ids", 0),
        "mm_token_type_ids": padded("mm_token_type_ids", 0),
        "attention_mask": (torch.arange(width) >= torch.tensor(padding)[:, None]).long(),
        "pixel_values_videos": torch.cat([row["pixel_values_videos"] for row in rows]),
        "video_token_pooling": torch.cat([windows + i * patches for i in range(len(rows))]),
        "video_grids": torch.cat([row["video_grids"] for row in rows]),
    }
    inputs = {name: tensor.to(checkpoint.device) for name, tensor in inputs.items()}
    return checkpoint.model(**inputs).logits[:, -1].float()


def in_pages(checkpoint, layout, clip):
    model = runner.ModelRunner(checkpoint, layout, pages=60, page_tokens=16, frames_at_once=4)
    pool = PagePool(60, 16)
    tokens = len(layout.video_prefix(clip.times)[0])
    media = VideoFrames(clip.times, clip.frames, ())
    prefix = model.prefill_media(clip.key, media, pool.take(pool.needed(tokens)))
    questions = [layout.question(prompt) for prompt in PROMPTS]
    tables = [PageTable(prefix, pool, model.cache) for _ in questions]
    for table, question in zip(tables, questions, strict=True):
        table.grow(len(question))
    return model.extend(tables, questions)


@pytest.mark.parametrize(
    "text",
    [
        TransformersText,
        FusedText,
        pytest.param(partial(FusedText, operations=kernels), marks=pytest.mark.slow),
    ],
)
def test_the_engine_is_as_near_to_the_unbatched_model_as_batching_is(
    rounded, reference, layout, video, text, monkeypatch
):
    """The root of the mean square difference over all logits may be half as large again."""
    monkeypatch.setattr(runner, "text_of", text)
    clip = video(4, 2)
    alone = one_by_one(rounded, reference, clip)
    spread = (batched(rounded, reference, clip) - alone).square().mean().sqrt()
    apart = (in_pages(rounded, layout, clip) - alone).square().mean().sqrt()
    print(f"logits {alone.std():.3f}, batching {spread:.5f}, engine {apart:.5f}")
    assert apart <= 1.5 * spread
