"""Writes random Molmo2 checkpoints in the layout of the hub, the same ones every time.

Neither torch nor transformers takes part, so that any release of either reads the same files.
"""

import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from hub_weights import ADDED_TOKENS, PATCH, Sizes, shapes
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tiny_tokenizer import write_tokenizer

QWEN3 = Sizes("qwen3")
OLMO3 = Sizes("olmo3", kv_heads=4)
KINDS = {"qwen3": QWEN3, "olmo3": OLMO3}

_YARN = {
    "rope_type": "yarn",
    "factor": 8.0,
    "original_max_position_embeddings": 8192,
    "attention_factor": 1.2079441541679836,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
}


def write_hub_checkpoint(
    folder: Path, sizes: Sizes, *, seed: int = 0, shard_bytes: int = 2**19
) -> Path:
    """Writes configuration, tokenizer and float32 weights, in shards of about ``shard_bytes``."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = write_tokenizer(folder, sizes.vocabulary)
    _write_json(folder / "config.json", _config(sizes, ids))
    _write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": ids["<|im_end|>"],
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
    )
    _write_processor(folder, sizes)
    _write_weights(folder, sizes, seed, shard_bytes)
    return folder


ATTENTION = {"attn_implementation": "sdpa"}
"""Of each part, as the authors' converter writes it; without it their code computes another way."""
ADAPTER = ATTENTION | {"pooling_attention_mask": True}
"""Of the adapter: every released checkpoint was trained with it."""


def _config(sizes: Sizes, ids: dict[str, int]) -> dict[str, Any]:
    attention = ATTENTION | {
        "num_attention_heads": sizes.vision_heads,
        "num_key_value_heads": sizes.vision_heads,
        "head_dim": sizes.vision_head,
    }
    return {
        "model_type": "molmo2",
        "architectures": ["Molmo2ForConditionalGeneration"],
        "auto_map": {
            "AutoConfig": "configuration_molmo2.Molmo2Config",
            "AutoModelForImageTextToText": "modeling_molmo2.Molmo2ForConditionalGeneration",
        },
        "dtype": "float32",
        "tie_word_embeddings": False,
        "use_frame_special_tokens": False,
        "image_start_token_id": ids["<im_start>"],
        "image_end_token_id": ids["<im_end>"],
        "image_patch_id": ids["<im_patch>"],
        "image_col_id": ids["<im_col>"],
        "low_res_image_start_token_id": ids["<low_res_im_start>"],
        "image_low_res_id": ids["<im_low>"],
        "frame_start_token_id": ids["<frame_start>"],
        "frame_end_token_id": ids["<frame_end>"],
        "text_config": _text_config(sizes),
        "vit_config": attention
        | {
            "model_type": "molmo2",
            "hidden_size": sizes.vision_hidden,
            "intermediate_size": sizes.vision_inner,
            "num_hidden_layers": sizes.vision_layers + 2,
            "hidden_act": "gelu_pytorch_tanh",
            "layer_norm_eps": 1e-6,
            "image_default_input_size": [sizes.frame, sizes.frame],
            "image_patch_size": PATCH,
            "image_num_pos": (sizes.frame // PATCH) ** 2,
        },
        "adapter_config": attention
        | ADAPTER
        | {
            "model_type": "molmo2",
            "vit_layers": [-3, -5],
            "hidden_size": sizes.vision_hidden,
            "intermediate_size": sizes.inner,
            "text_hidden_size": sizes.hidden,
            "hidden_act": "silu",
        },
    }


def _text_config(sizes: Sizes) -> dict[str, Any]:
    olmo = sizes.kind == "olmo3"
    return ATTENTION | {
        "model_type": "molmo2_text",
        "hidden_size": sizes.hidden,
        "intermediate_size": sizes.inner,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.kv_heads,
        "head_dim": sizes.head,
        "vocab_size": sizes.vocabulary,
        "additional_vocab_size": ADDED_TOKENS,
        "qkv_bias": False,
        "hidden_act": "silu",
        "layer_norm_eps": 1e-6,
        "use_qk_norm": True,
        "qk_norm_type": "olmo" if olmo else "qwen3",
        "norm_after": olmo,
        "max_position_embeddings": 65536 if olmo else 36864,
        "rope_theta": 5e5 if olmo else 5e6,
        "rope_scaling": _YARN if olmo else None,
        "rope_scaling_layers": list(range(1, sizes.layers, 2)) if olmo else None,
        "tie_word_embeddings": False,
    }


def _write_processor(folder: Path, sizes: Sizes) -> None:
    pixels = {
        "size": {"height": sizes.frame, "width": sizes.frame},
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_convert_rgb": True,
        "resample": 2,
        "rescale_factor": 1 / 255,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "patch_size": PATCH,
    }
    _write_json(
        folder / "preprocessor_config.json",
        pixels
        | {
            "image_processor_type": "Molmo2ImageProcessor",
            "auto_map": {"AutoImageProcessor": "image_processing_molmo2.Molmo2ImageProcessor"},
            "max_crops": 4,
            "overlap_margins": [1, 1],
            "pooling_size": [2, 2],
        },
    )
    _write_json(
        folder / "video_preprocessor_config.json",
        pixels
        | {
            "video_processor_type": "Molmo2VideoProcessor",
            "auto_map": {"AutoVideoProcessor": "video_processing_molmo2.Molmo2VideoProcessor"},
            "do_sample_frames": True,
            "frame_sample_mode": "uniform_last_frame",
            "num_frames": 384,
            "max_fps": 2.0,
            "sampling_fps": 2,
            "pooling_size": [3, 3],
        },
    )
    _write_json(
        folder / "processor_config.json",
        {
            "processor_class": "Molmo2Processor",
            "auto_map": {"AutoProcessor": "processing_molmo2.Molmo2Processor"},
            "image_use_col_tokens": True,
            "use_single_crop_col_tokens": False,
            "use_single_crop_start_token": True,
            "video_use_col_tokens": False,
            "use_frame_special_tokens": False,
        },
    )


def _write_weights(folder: Path, sizes: Sizes, seed: int, shard_bytes: int) -> None:
    shards: list[dict[str, tuple[int, ...]]] = [{}]
    room = shard_bytes
    for name, shape in shapes(sizes):
        room -= 4 * math.prod(shape)
        if room < 0 and shards[-1]:
            shards.append({})
            room = shard_bytes - 4 * math.prod(shape)
        shards[-1][name] = shape
    places = {}
    for number, shard in enumerate(shards, start=1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        weights = {name: _weight(name, shape, seed) for name, shape in shard.items()}
        save_file(weights, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(shard, file)
    total = sum(4 * math.prod(shape) for shard in shards for shape in shard.values())
    index = {"metadata": {"total_size": total}, "weight_map": places}
    _write_json(folder / "model.safetensors.index.json", index)


def _weight(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Uniform values, large enough for tokens to differ and answers to vary.

    ``RandomState`` gives the same stream in every release of numpy.
    """
    chance = np.random.RandomState([seed, zlib.crc32(name.encode())])
    even = 2 * chance.random_sample(shape) - 1
    if "norm" in name or name.endswith("ln_f.weight"):
        return (even * 0.1 + name.endswith("weight")).astype(np.float32)
    if len(shape) == 1:
        return (even * 0.1).astype(np.float32)
    deviation = 1.0 if "embedding" in name and "patch" not in name else 0.7 / shape[-1] ** 0.5
    return (even * math.sqrt(3) * deviation).astype(np.float32)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")
