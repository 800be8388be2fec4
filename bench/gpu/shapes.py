"""The sizes of the released checkpoints, and a tiny one that proves the benchmark on a CPU."""

from dataclasses import dataclass, field
from typing import Any

from transformers import Molmo2Config

_YARN = {
    "rope_type": "yarn",
    "rope_theta": 5e5,
    "factor": 8.0,
    "attention_factor": 1.2079441541679836,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "original_max_position_embeddings": 8192,
}


@dataclass(frozen=True)
class Shape:
    """A checkpoint's configuration, and how much of a video the benchmark asks about."""

    text: dict[str, Any]
    vision: dict[str, Any] = field(default_factory=dict)
    adapter: dict[str, Any] = field(default_factory=dict)
    frame_size: int = 378
    """Pixels; a frame is a square."""
    frames: int = 61
    """Of a video of 30 s, two a second and the last one."""
    answer_tokens: int = 128
    videos: int = 32
    """Distinct videos in flight where throughput is measured."""
    batch: int = 16
    """Sequences in the larger of the two decode batches."""

    def config(self) -> Molmo2Config:
        hidden = {"text_hidden_size": self.text["hidden_size"]}
        hidden["intermediate_size"] = self.text["intermediate_size"]
        vision = {"image_size": [self.frame_size, self.frame_size], **self.vision}
        return Molmo2Config(
            text_config=self.text, vision_config=vision, adapter_config=hidden | self.adapter
        )


def _qwen3(hidden: int, intermediate: int, theta: float) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
    }


_SMALL_HEADS = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}

SHAPES = {
    "4B": Shape(_qwen3(2560, 9728, 5e6)),
    "8B": Shape(_qwen3(4096, 12288, 1e6)),
    "O-7B": Shape(
        {
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_key_value_heads": 32,
            "vocab_size": 100278,
            "max_position_embeddings": 65536,
            "qk_norm_type": "olmo",
            "norm_after": True,
            "rope_parameters": _YARN,
            "rope_scaling_layers": list(range(3, 32, 4)),
        }
    ),
    "tiny": Shape(
        _qwen3(64, 128, 5e6)
        | {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
        | {"num_hidden_layers": 2, "vocab_size": 1024},
        vision=_SMALL_HEADS | {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3},
        adapter=_SMALL_HEADS
        | {"hidden_size": 32, "intermediate_size": 64, "vision_feature_layer": [2, 0]},
        frame_size=84,
        frames=5,
        answer_tokens=8,
        videos=4,
        batch=3,
    ),
}
"""By the names of the released checkpoints."""
