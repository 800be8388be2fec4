"""Tiny random Molmo2 checkpoints of both kinds, and what transformers makes of the same inputs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from stepped_engine import NEW_TOKENS, PROMPTS, SteppedEngine
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Molmo2Config,
    Molmo2ForConditionalGeneration,
    PreTrainedTokenizerFast,
)
from transformers.models.molmo2.image_processing_molmo2 import (
    arange_for_pooling,
    batch_pixels_to_patches,
)

from molmo2_engine.generation.grammar import GrammarCompiler, read_vocabulary
from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.prompt.formats import FrameFormat, ImageFormat
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import Crops

VOCABULARY = 512
SIZE = 84
TURNS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MEDIA = [
    "<im_start>",
    "<im_end>",
    "<im_patch>",
    "<im_col>",
    "<low_res_im_start>",
    "<|image|>",
    "<im_low>",
    "<frame_start>",
    "<frame_end>",
    "<|video|>",
]
CHAT_TEMPLATE = (
    "<|video|>{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(TURNS) - 16,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    corpus = ["Point to the penguins.", "Track the red car.", "Describe this video in detail."]
    tokenizer.train_from_iterator(corpus * 20, trainer)
    spare = VOCABULARY - tokenizer.get_vocab_size() - len(TURNS)
    special = [*TURNS, *(f"<spare_{i}>" for i in range(spare)), *MEDIA]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_end|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
    )


def _config(kind: str, tokenizer: PreTrainedTokenizerFast) -> Molmo2Config:
    text = {
        "hidden_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": VOCABULARY,
        "num_hidden_layers": 2,
        "intermediate_size": 128,
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5e6},
    }
    if kind == "olmo3":
        yarn = {
            "rope_type": "yarn",
            "rope_theta": 5e5,
            "factor": 8.0,
            "attention_factor": 1.2079441541679836,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "original_max_position_embeddings": 8192,
        }
        text |= {"num_key_value_heads": 4, "qk_norm_type": "olmo", "norm_after": True}
        text |= {"rope_scaling_layers": [1], "rope_parameters": yarn}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
    return Molmo2Config(
        text_config=text,
        vision_config={
            **heads,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 3,
            "image_size": [SIZE, SIZE],
            "patch_size": 14,
        },
        adapter_config={
            **heads,
            "vision_feature_layer": [2, 0],
            "hidden_size": 32,
            "intermediate_size": 64,
            "text_hidden_size": 64,
        },
        **{
            f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
            for name, token in {
                "image_start": "<im_start>",
                "image_end": "<im_end>",
                "low_res_image_start": "<low_res_im_start>",
                "frame_start": "<frame_start>",
                "frame_end": "<frame_end>",
            }.items()
        },
        image_patch_id=tokenizer.convert_tokens_to_ids("<im_patch>"),
    )


PROCESSOR = {
    "use_frame_special_tokens": False,
    "video_use_col_tokens": False,
    "image_use_col_tokens": True,
    "use_single_crop_col_tokens": False,
    "use_single_crop_start_token": True,
    "video_processor": {
        "size": {"height": SIZE, "width": SIZE},
        "patch_size": 14,
        "pooling_size": [3, 3],
    },
    "image_processor": {
        "size": {"height": SIZE, "width": SIZE},
        "patch_size": 14,
        "pooling_size": [2, 2],
        "max_crops": 4,
        "overlap_margins": [1, 1],
    },
}


def write_checkpoint(folder: Path, kind: str) -> Path:
    """Writes a random checkpoint whose tokens differ enough for greedy answers to vary."""
    tokenizer = _tokenizer()
    torch.manual_seed(7)
    model = Molmo2ForConditionalGeneration(_config(kind, tokenizer)).float().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() >= 2:
                wide = "embed_tokens" in name
                weight.normal_(0, 1.0 if wide else 0.7 / weight.shape[-1] ** 0.5)
    ids = tokenizer.convert_tokens_to_ids
    model.generation_config = GenerationConfig(
        bos_token_id=ids("<|im_end|>"),
        eos_token_id=ids("<|im_end|>"),
        pad_token_id=ids("<|endoftext|>"),
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "processor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


@pytest.fixture(scope="session")
def qwen3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("qwen3"), "qwen3")


@pytest.fixture(scope="session")
def olmo3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("olmo3"), "olmo3")


@pytest.fixture(scope="session", params=["qwen3", "olmo3"])
def checkpoint(request: pytest.FixtureRequest) -> Checkpoint:
    folder = request.getfixturevalue(f"{request.param}_folder")
    return checkpoints.load(str(folder), None, "cpu", "float32")


@pytest.fixture(scope="session")
def layout(checkpoint: Checkpoint) -> Layout:
    folder = checkpoint.folder
    return Layout(checkpoint.tokenizer, FrameFormat.read(folder), ImageFormat.read(folder))


@pytest.fixture(scope="session")
def grammars(checkpoint: Checkpoint) -> GrammarCompiler:
    rows = checkpoint.model.lm_head.out_features
    vocabulary = read_vocabulary(checkpoint.tokenizer, rows, checkpoint.end_tokens)
    return GrammarCompiler(vocabulary, max_grammars=8, max_seconds=30)


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


@pytest.fixture(scope="session")
def video() -> Callable[[int, int], TestVideo]:
    return make_video


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


@pytest.fixture(scope="session")
def reference(checkpoint: Checkpoint) -> Reference:
    return Reference(checkpoint)


@pytest.fixture
def bench(checkpoint, layout):
    return SteppedEngine(checkpoint, layout)


@pytest.fixture(scope="session")
def expected(reference, video):
    """transformers' greedy tokens for four videos and every prompt."""
    clips = [video(seed, count) for seed, count in enumerate((9, 3, 14, 1))]
    return [
        (clip, {prompt: reference.greedy(clip, prompt, NEW_TOKENS) for prompt in PROMPTS})
        for clip in clips
    ]
