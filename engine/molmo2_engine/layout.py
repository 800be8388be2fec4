"""The tokens that Molmo2 expects: a video's prefix, and the question that follows it.

The format is that of the released processors: beginning of sequence, then for each frame its time
with one decimal and its visual tokens between a start and an end token, then the chat turns. The
chat template puts the video first, so the prefix never depends on the question.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

_QUESTION = "\x00question\x00"


@dataclass(frozen=True)
class FrameFormat:
    """How a checkpoint cuts a frame; from its processor's configuration."""

    size: int
    """Pixels; a frame is a square."""
    patch_size: int
    """Pixels of a square patch of the vision encoder."""
    pooling_size: tuple[int, int]
    """Rows and columns of patches that become one visual token."""
    column_tokens: bool
    """Whether a token closes each row of visual tokens."""
    frame_tokens: bool
    """Whether frames are wrapped in frame tokens instead of image tokens."""

    @classmethod
    def read(cls, folder: Path) -> "FrameFormat":
        """Reads ``processor_config.json`` and, in the hub's layout, the video file beside it."""
        processor = json.loads((folder / "processor_config.json").read_text())
        beside = folder / "video_preprocessor_config.json"
        video = json.loads(beside.read_text()) if beside.exists() else processor["video_processor"]
        pool_rows, pool_columns = video["pooling_size"]
        return cls(
            size=video["size"]["height"],
            patch_size=video["patch_size"],
            pooling_size=(pool_rows, pool_columns),
            column_tokens=processor["video_use_col_tokens"],
            frame_tokens=processor["use_frame_special_tokens"],
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of visual tokens in a frame."""
        patches = self.size // self.patch_size
        return -(-patches // self.pooling_size[0]), -(-patches // self.pooling_size[1])


class Layout:
    """Writes prompts as token ids for one checkpoint."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, frame_format: FrameFormat) -> None:
        self._tokenizer = tokenizer
        self.frame_format = frame_format
        bos = tokenizer.bos_token_id
        self._begin = bos if bos is not None else tokenizer.eos_token_id
        self._frame = self._frame_tokens(frame_format)
        self._opening, self._opening_text, self._closing = self._turns()

    @property
    def visual_tokens_per_frame(self) -> int:
        return len(self._frame)

    def video_prefix(self, times: Sequence[float]) -> tuple[list[int], list[bool]]:
        """The prefix's token ids and, for each, whether it is visual.

        Visual tokens attend to every visual token of the prefix, the others to what precedes
        them. ``times`` are seconds.
        """
        ids = [self._begin]
        visual = [False]
        for number, time in enumerate(times):
            stamp = self._encode(f"{' ' if number else ''}{time:.1f} ")
            ids += stamp + self._frame
            visual += [False] * len(stamp) + [True] * len(self._frame)
        return ids, visual

    def question(self, prompt: str) -> list[int]:
        """The token ids of a user turn and the opening of the answer.

        Special tokens that a prompt spells out are plain text: nobody can end the turn or plant
        a visual token from inside it.
        """
        return self._opening + self._encode(self._opening_text + prompt) + self._closing

    def _frame_tokens(self, frame_format: FrameFormat) -> list[int]:
        rows, columns = frame_format.grid
        row = ["<im_patch>"] * columns + ["<im_col>"] * frame_format.column_tokens
        kind = "frame" if frame_format.frame_tokens else "im"
        names = [f"<{kind}_start>", *row * rows, f"<{kind}_end>"]
        return self._tokenizer.convert_tokens_to_ids(names)

    def _turns(self) -> tuple[list[int], str, list[int]]:
        """What surrounds a question: ids, then text that is encoded with it, then ids again."""
        turn = {"role": "user", "content": [{"type": "text", "text": _QUESTION}, {"type": "video"}]}
        text = self._tokenizer.apply_chat_template(
            [turn], tokenize=False, add_generation_prompt=True
        )
        before, after = text.removeprefix("<|video|>").split(_QUESTION)
        special = [token for token in self._tokenizer.get_added_vocab() if token in before]
        cut = max((before.rfind(token) + len(token) for token in special), default=0)
        opening = self._encode(before[:cut], special=True)
        return opening, before[cut:], self._encode(after, special=True)

    def _encode(self, text: str, *, special: bool = False) -> list[int]:
        return self._tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=not special
        )
