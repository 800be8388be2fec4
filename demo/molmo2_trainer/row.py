"""One clip's sequence of tokens, what is to be learnt in it, and where its tokens should look."""

from dataclasses import dataclass, field

from molmo2_demo.scene import COLORS
from molmo2_trainer.answers import numbering, telling
from molmo2_trainer.clip import Clip
from molmo2_trainer.draft import Gaze, Piece
from molmo2_trainer.guides import GUIDES
from molmo2_trainer.language import Language
from molmo2_trainer.questions import Question

LAST_DIGIT = 0.2
"""Weight of a coordinate's third digit: a thousandth is finer than anything is measured."""

_NUMBERS = ((1, 2, 3), (5, 6, 7))
"""Places of their digits in " 123 456"."""


@dataclass
class Row:
    """Lists as long as the sequence."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    """0 the prefix, 1 … the questions."""
    visual: list[bool] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    """The token that follows where an answer is to be learnt, else -100."""
    weights: list[float] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    targets: dict[str, dict[int, list[int]]] = field(
        default_factory=lambda: {name: {} for name in GUIDES}
    )
    """By guide and token: the tokens that it should look at."""
    places: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By token: the place that it is about to write."""


def make_row(language: Language, clip: Clip, questions: list[Question]) -> Row:
    """A clip's prefix and behind it every question with its answer.

    Each question sees the prefix and itself, as when a server asks it alone; its positions go on
    where the prefix ends.
    """
    writer = _Writer(language, clip)
    for segment, question in enumerate(questions, start=1):
        writer.append(question, segment)
    return writer.row


class _Writer:
    """Writes a row; ``patches`` are the visual tokens of each frame, by their places in it."""

    def __init__(self, language: Language, clip: Clip) -> None:
        self._language, self._clip = language, clip
        self._rows, self._columns = language.layout.frame_format.grid
        ids, visual = language.layout.video_prefix(clip.times)
        size = self._prefix = len(ids)
        self.row = Row(
            ids, list(range(size)), [0] * size, visual, [-100] * size, [0.0] * size, [""] * size
        )
        every = [place for place, token in enumerate(ids) if token == language.patch]
        cells = self._rows * self._columns
        self._patches = [every[begin : begin + cells] for begin in range(0, len(every), cells)]
        self._guide_frames()
        self._guide_shapes()

    def append(self, question: Question, segment: int) -> None:
        row, begin = self.row, len(self.row.ids)
        told = self._language.layout.question(question.prompt)
        answer, starts = self._language.answer(question.answer.text)
        written, _ = self._language.answer(question.written)
        ids = told + written
        row.ids += ids
        row.visual += [False] * len(ids)
        row.positions += range(self._prefix, self._prefix + len(ids))
        row.segments += [segment] * len(ids)
        # The last token of the question is followed by the first of the answer, and so on.
        row.labels += [-100] * (len(told) - 1) + answer + [-100]
        row.weights += [1.0] * len(ids)
        row.operations += [question.operation] * len(ids)
        names = self._names(question, begin, told)
        at = {start: begin + len(told) + token for token, start in enumerate(starts)}
        for piece in question.answer.pieces:
            if piece.gaze is not None:
                self._guide_piece(piece, piece.gaze, names, at)
            if piece.number is not None:
                self._weigh_digits(piece, at)

    def _guide_frames(self) -> None:
        """Visual tokens look at the digits before their frame's start and a space."""
        for tokens in self._patches:
            seconds, tenths = tokens[0] - 5, tokens[0] - 3
            for token in tokens:
                self.row.targets["own_seconds"][token] = [seconds]
                self.row.targets["own_tenths"][token] = [tenths]

    def _guide_shapes(self) -> None:
        """Those that hold a shape look at first frames: its own and the others'."""
        clip, targets = self._clip, self.row.targets
        frames = [clip.frames(shape) for shape in clip.scene.shapes]
        firsts = [self._holding(Gaze(n, seen[0], seen[0])) for n, seen in enumerate(frames)]
        numbered, told = numbering(clip, clip.scene.shapes), telling(clip)
        for shape, seen in enumerate(frames):
            for token in self._holding(Gaze(shape, seen[0], seen[-1])):
                targets["first_frame"][token] = firsts[shape]
                targets["numbered_first"][token] = firsts[numbered[0]]
                targets["numbered_last"][token] = firsts[numbered[-1]]
                targets["told_first"][token] = firsts[told[0]]
                targets["told_last"][token] = firsts[told[-1]]

    def _guide_piece(
        self, piece: Piece, gaze: Gaze, names: dict[str, list[int]], at: dict[int, int]
    ) -> None:
        """``at``: the token that begins at each character of the answer."""
        seen = self._holding(gaze)
        for start in range(piece.start, piece.end):
            if start not in at:
                continue
            looks, token = {"gaze": seen, **names}, at[start] - 1  # it is followed by the word
            if piece.time is not None:
                looks |= {"seconds": [at[piece.time]], "tenths": [at[piece.time] + 2]}
            if piece.number is not None:
                looks["number"] = [at[piece.number]]
                self.row.places[token] = self._clip.place(gaze.shape, gaze.first)
            for name, targets in looks.items():
                self.row.targets[name][token] = targets

    def _weigh_digits(self, piece: Piece, at: dict[int, int]) -> None:
        """The third digits count less, and those behind a wrong one are not to be learnt."""
        for number in _NUMBERS:
            tokens = [at[piece.start + digit] - 1 for digit in number]
            self.row.weights[tokens[-1]] = LAST_DIGIT
            right = True
            for token in tokens:
                wanted = self.row.labels[token]
                if not right:
                    self.row.labels[token] = -100
                right = right and self.row.ids[token + 1] == wanted

    def _holding(self, gaze: Gaze) -> list[int]:
        """The visual tokens that hold the centre of a shape."""
        tokens = []
        for frame in range(gaze.first, gaze.last + 1):
            x, y = self._clip.place(gaze.shape, frame)
            row = min(int(y * self._rows), self._rows - 1)
            column = min(int(x * self._columns), self._columns - 1)
            tokens.append(self._patches[frame][row * self._columns + column])
        return tokens

    def _names(self, question: Question, begin: int, told: list[int]) -> dict[str, list[int]]:
        """Where a question says the colour and the form that it asks for."""
        words = {"color" if word in COLORS else "form": word for word in question.name.split()}
        return {
            guide: [begin + told.index(self._language.word(word))] for guide, word in words.items()
        }
