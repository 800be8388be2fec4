"""The vocabulary that grammars work on: the tokens that a model can write."""

import json
from collections.abc import Collection

from llguidance import LLTokenizer
from transformers import PreTrainedTokenizerFast

_LABEL, _STRING = r'[^<>"\\\x00-\x1F\x7F]', r'[^"\\\x00-\x1F\x7F]'
_SLICES = [f"{_LABEL}{{1,10}}", f"{_LABEL}{{1,30}}", f"{_STRING}{{1,30}}", f"{_STRING}+"]
"""Texts that a label or a JSON string may hold wherever they are: which tokens these are is found
once, and not for every mask. With 151,936 tokens that is ten times faster inside a label."""


def read_vocabulary(
    tokenizer: PreTrainedTokenizerFast, rows: int, end_tokens: Collection[int]
) -> LLTokenizer:
    """The first ``rows`` tokens of a tokenizer, with those that end an answer.

    ``rows`` are those of the model's ``lm_head``: a tokenizer has more, since the media tokens are
    read and never written.
    """
    definition = json.loads(tokenizer.backend_tokenizer.to_str())
    definition["added_tokens"] = [
        token for token in definition["added_tokens"] if token["id"] < rows
    ]
    return LLTokenizer(
        json.dumps(definition), n_vocab=rows, eos_token=sorted(end_tokens), slices=_SLICES
    )
