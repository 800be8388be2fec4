"""Writes tiny random checkpoints of both kinds, in transformers' own layout."""

import json
from pathlib import Path

import torch
from tiny_tokenizer import CHAT_TEMPLATE, MEDIA, TURNS
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Molmo2Config,
    Molmo2ForConditionalGeneration,
    PreTrainedTokenizerFast,
)

VOCABULARY = 512
SIZE = 84
"""Pixels of a frame's side."""


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
