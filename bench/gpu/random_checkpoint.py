"""A checkpoint of a named shape with seeded random weights, built on the device: no download."""

from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import Molmo2ForConditionalGeneration, PreTrainedTokenizerFast

from gpu.shapes import Shape
from molmo2_engine.model.attention.registered import IMPLEMENTATIONS
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.prompt.formats import FrameFormat
from molmo2_engine.prompt.layout import Layout

_DEMO = Path(__file__).parents[2] / "demo" / "checkpoint"
"""Its tokenizer has the released ones' special tokens, in their order, and their chat template."""


def build(shape: Shape, device: torch.device, dtype: torch.dtype) -> tuple[Checkpoint, Layout]:
    """The checkpoint and its prompts' layout. No token ends an answer, so that lengths are equal.

    A video's timestamps take as many tokens as with the released tokenizers, whose digits are
    single tokens too; words take more here.
    """
    config = shape.config()
    tokenizer = _tokenizer(config.text_config.vocab_size)
    config.image_patch_id = tokenizer.convert_tokens_to_ids("<im_patch>")
    torch.manual_seed(0)
    with torch.device(device):
        model = Molmo2ForConditionalGeneration._from_config(
            config, dtype=dtype, attn_implementation=IMPLEMENTATIONS
        )
    model.generation_config.eos_token_id = None
    checkpoint = Checkpoint(
        name="random weights",
        revision=None,
        folder=Path(),
        model=model.eval().requires_grad_(False),
        tokenizer=tokenizer,
        end_tokens=frozenset(),
    )
    patch = config.vision_config.patch_size
    frames = FrameFormat(shape.frame_size, patch, (3, 3), column_tokens=False, frame_tokens=False)
    return checkpoint, Layout(tokenizer, frames)


def _tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """Bytes, and the special tokens at the ids that the released checkpoints give them."""
    demo = PreTrainedTokenizerFast.from_pretrained(_DEMO)
    special = [str(token) for _, token in sorted(demo.added_tokens_decoder.items())]
    turns = special.index("<im_start>")  # those of media begin where the text's vocabulary ends
    ids = {token: i for i, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    ids |= {token: vocabulary - turns + i for i, token in enumerate(special)}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=demo.bos_token,
        eos_token=demo.eos_token,
        pad_token=demo.pad_token,
        chat_template=demo.chat_template,
    )
