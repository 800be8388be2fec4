"""The tokens that Molmo2 expects: the prefix of a video or of images, and the question after it.

The format is that of the released processors: beginning of sequence, then for each frame its time
with one decimal and its visual tokens between a start and an end token, then the chat turns. The
chat template puts the video first, so the prefix never depends on the question. Images stand in
its place: each is its whole at low resolution, then its parts.
"""

from collections.abc import Sequence
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from molmo2_engine.prompt.formats import FrameFormat, ImageFormat, ImageGrid

_QUESTION = "\x00question\x00"

_STAMPS = 2**15
"""Times of frames that are kept encoded: 384 of them take 12 ms to encode, at every request."""


class Layout:
    """Writes prompts as token ids for one checkpoint."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        frame_format: FrameFormat,
        image_format: ImageFormat | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self.frame_format = frame_format
        self.image_format = image_format
        bos = tokenizer.bos_token_id
        self._begin = bos if bos is not None else tokenizer.eos_token_id
        self._frame = self._frame_tokens(frame_format)
        self._stamp = lru_cache(_STAMPS)(self._encode)
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
            stamp = self._stamp(f"{' ' if number else ''}{time:.1f} ")
            ids += stamp + self._frame
            visual += [False] * len(stamp) + [True] * len(self._frame)
        return ids, visual

    def images_prefix(self, grids: Sequence[ImageGrid]) -> tuple[list[int], list[bool]]:
        """The same for images; they are counted where there are several."""
        ids = [self._begin]
        visual = [False]
        for number, grid in enumerate(grids, start=1):
            name = self._encode(f"Image {number}") if len(grids) > 1 else []
            tokens = self._image_tokens(grid)
            ids += name + tokens
            visual += [False] * len(name) + [True] * len(tokens)
        return ids, visual

    def question(self, prompt: str) -> list[int]:
        """The token ids of a user turn and the opening of the answer.

        Special tokens that a prompt spells out are plain text: nobody can end the turn or plant
        a visual token from inside it.
        """
        return self._opening + self._encode(self._opening_text + prompt) + self._closing

    def _frame_tokens(self, frame_format: FrameFormat) -> list[int]:
        kind = "frame" if frame_format.frame_tokens else "im"
        start, end = f"<{kind}_start>", f"<{kind}_end>"
        return self._ids(_block(start, frame_format.grid, frame_format.column_tokens, end))

    def _image_tokens(self, grid: ImageGrid) -> list[int]:
        how = self.image_format
        start = "<low_res_im_start>" if how.whole_start_token else "<im_start>"
        whole = _block(start, grid.whole, how.whole_column_tokens, "<im_end>")
        parts = _block("<im_start>", grid.parts, how.column_tokens, "<im_end>")
        return self._ids(whole + parts)

    def _ids(self, tokens: list[str]) -> list[int]:
        return self._tokenizer.convert_tokens_to_ids(tokens)

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


def _block(start: str, grid: tuple[int, int], column_tokens: bool, end: str) -> list[str]:
    rows, columns = grid
    row = ["<im_patch>"] * columns + ["<im_col>"] * column_tokens
    return [start, *row * rows, end]
