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

    def answer(self, text: str) -> list[int]:
        """An answer, and the token that ends it."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return [*ids, self.tokenizer.eos_token_id]
