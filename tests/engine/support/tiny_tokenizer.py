"""A small tokenizer in the released ones' format: byte-level, digits one by one, media tokens."""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

TURNS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MEDIA = (
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
)
"""In the released order; their ids begin where the text's vocabulary ends."""

_MERGES = ("t h", "th e", "i n", "e r", "P o", "Po in", "Poin t", "Ġ t", "Ġt o", "Ġ the")
"""Pairs that become one piece; a space is written Ġ."""

_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How the tokenizers of Qwen split text before they merge."""

CHAT_TEMPLATE = """\
{%- set images = namespace(count=0) -%}
{%- for message in messages if message.content is not string -%}
  {%- for part in message.content -%}
    {%- if part.type == "video" -%}<|video|>{%- endif -%}
    {%- if part.type == "image" -%}{%- set images.count = images.count + 1 -%}{%- endif -%}
  {%- endfor -%}
{%- endfor -%}
{%- for image in range(images.count) -%}
  {{- ("Image " ~ (image + 1) if images.count > 1 else "") ~ "<|image|>" -}}
{%- endfor -%}
{%- for message in messages -%}
  {{- "<|im_start|>" ~ message.role ~ "\\n" -}}
  {%- if message.content is string -%}
    {{- message.content -}}
  {%- else -%}
    {{- message.content | selectattr("type", "equalto", "text") | map(attribute="text") | first -}}
  {%- endif -%}
  {{- "<|im_end|>\\n" -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- "<|im_start|>assistant\\n" -}}{%- endif -%}
"""


def write_tokenizer(folder: Path, vocabulary: int) -> dict[str, int]:
    """Writes the tokenizer's files; returns the ids of its special tokens."""
    tokenizer = Tokenizer(_model())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    spare = vocabulary - tokenizer.get_vocab_size() - len(TURNS)
    special = [*TURNS, *(f"<spare_{number}>" for number in range(spare)), *MEDIA]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in special]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|im_end|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "padding_side": "left",
        "model_max_length": 36864,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    return {token: tokenizer.token_to_id(token) for token in special}


def _model() -> models.BPE:
    """Bytes, and a few pieces made of them."""
    pieces = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [tuple(pair.split(" ")) for pair in _MERGES]
    pieces += ["".join(pair) for pair in pairs]
    return models.BPE(vocab={piece: i for i, piece in enumerate(pieces)}, merges=pairs)
