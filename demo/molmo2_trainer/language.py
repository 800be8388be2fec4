"""Text as tokens, in the layout that the engine uses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from molmo2_engine.prompt.formats import FrameFormat
from molmo2_engine.prompt.layout import Layout


@dataclass(frozen=True)
class Language:
    """A checkpoint's tokenizer, and its layout of videos and questions."""

    tokenizer: PreTrainedTokenizerBase
    layout: Layout

    @classmethod
    def read(cls, checkpoint: Path) -> Self:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        return cls(tokenizer, Layout(tokenizer, FrameFormat.read(checkpoint)))

    @property
    def patch(self) -> int:
        """The token that stands for a part of a frame."""
        token: int = self.tokenizer.convert_tokens_to_ids("<im_patch>")
        return token

    def word(self, text: str) -> int:
        """The token of a word of the demonstration's world inside a sentence."""
        (token,) = self.tokenizer.encode(f" {text}", add_special_tokens=False)
        return int(token)

    def answer(self, text: str) -> tuple[list[int], list[int]]:
        """An answer and the token that ends it; and the character at which each begins."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        starts = [start for start, _ in encoded["offset_mapping"]]
        return [*encoded["input_ids"], self.tokenizer.eos_token_id], [*starts, len(text)]
