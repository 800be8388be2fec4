"""Clips and their questions as tensors.

A sequence is a clip's prefix and behind it every question with its answer. Each question sees the
prefix and itself, as when a server asks it alone; its positions go on where the prefix ends.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from torch.utils.data import IterableDataset

from molmo2_demo.scene import COLORS, FORMS
from molmo2_trainer.clip import Clip, draw_clip
from molmo2_trainer.language import Language
from molmo2_trainer.questions import Question, ask

OPERATIONS = ("pointing", "tracking", "describe", "temporal_localization", "comprehensive")
DURATIONS = (2.0, 3.0, 4.0, 5.0, 6.0)
MOST_SHAPES = 3
_MULTIPLE = 64
"""Sequences are padded to one of few lengths."""


@dataclass
class Batch:
    """``n`` clips of ``f`` frames and ``s`` shapes at most; sequences of ``t`` tokens."""

    ids: torch.Tensor
    """int64 [n, t]"""
    positions: torch.Tensor
    """int64 [n, t]"""
    segments: torch.Tensor
    """int64 [n, t]: 0 the prefix, 1 … the questions, -1 padding."""
    visual: torch.Tensor
    """bool [n, t]"""
    labels: torch.Tensor
    """int64 [n, t]: the token that follows where an answer is to be learnt, else -100."""
    operations: torch.Tensor
    """int64 [n, t]: which of ``OPERATIONS`` a label belongs to."""
    centers: torch.Tensor
    """float32 [n, f, s, 2]"""
    visible: torch.Tensor
    """bool [n, f, s]"""
    radii: torch.Tensor
    """float32 [n, s]: fractions of the square root of the frame's area."""
    looks: torch.Tensor
    """int64 [n, s, 2]: places in ``COLORS`` and ``FORMS``."""
    backgrounds: torch.Tensor
    """float32 [n, 3], 0 to 255."""
    sizes: torch.Tensor
    """int64 [n, 2]: height and width of the video."""

    def to(self, device: torch.device) -> "Batch":
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return Batch(**moved)


class Batches(IterableDataset):  # type: ignore[type-arg]
    """Endless; each of its workers draws clips of its own. All clips of a batch are as long."""

    def __init__(
        self, language: Language, clips: int, seed: str, shares: tuple[float, ...]
    ) -> None:
        """``shares``: of clips with one shape, two, …"""
        self._language, self._clips, self._seed, self._shares = language, clips, seed, shares

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        chance = random.Random(f"{self._seed}/{worker.id if worker else 0}")
        counts = range(1, len(self._shares) + 1)
        while True:
            duration = chance.choice(DURATIONS)
            shapes = chance.choices(counts, self._shares, k=self._clips)
            clips = [draw_clip(chance, duration, count) for count in shapes]
            yield make_batch(self._language, clips, [ask(chance, clip) for clip in clips])


def make_batch(language: Language, clips: list[Clip], asked: list[list[Question]]) -> Batch:
    rows = [_Row(language, clip, questions) for clip, questions in zip(clips, asked, strict=True)]
    width = -(-max(len(row.ids) for row in rows) // _MULTIPLE) * _MULTIPLE

    def padded(name: str, fill: int) -> torch.Tensor:
        lists = (getattr(row, name) for row in rows)
        return torch.tensor([values + [fill] * (width - len(values)) for values in lists])

    return Batch(
        ids=padded("ids", 0),
        positions=padded("positions", 0),
        segments=padded("segments", -1),
        visual=padded("visual", 0).bool(),
        labels=padded("labels", -100),
        operations=padded("operations", 0),
        **_scenes(clips),
    )


class _Row:
    """One clip's sequence."""

    def __init__(self, language: Language, clip: Clip, questions: list[Question]) -> None:
        self.ids, visual = language.layout.video_prefix(clip.times)
        prefix = len(self.ids)
        self.visual = [int(seen) for seen in visual]
        self.positions = list(range(prefix))
        self.segments = [0] * prefix
        self.labels = [-100] * prefix
        self.operations = [0] * prefix
        for segment, question in enumerate(questions, start=1):
            self._append(language, question, segment, prefix)

    def _append(self, language: Language, question: Question, segment: int, prefix: int) -> None:
        told = language.layout.question(question.prompt)
        answer = language.answer(question.answer)
        ids = told + answer
        self.ids += ids
        self.visual += [0] * len(ids)
        self.positions += range(prefix, prefix + len(ids))
        self.segments += [segment] * len(ids)
        # The last token of the question is followed by the first of the answer, and so on.
        self.labels += [-100] * (len(told) - 1) + answer + [-100]
        self.operations += [OPERATIONS.index(question.operation)] * len(ids)


def _scenes(clips: list[Clip]) -> dict[str, torch.Tensor]:
    frames = len(clips[0].times)
    colors = list(COLORS)
    centers = torch.zeros(len(clips), frames, MOST_SHAPES, 2)
    visible = torch.zeros(len(clips), frames, MOST_SHAPES, dtype=torch.bool)
    radii = torch.ones(len(clips), MOST_SHAPES)
    looks = torch.zeros(len(clips), MOST_SHAPES, 2, dtype=torch.int64)
    for row, clip in enumerate(clips):
        for place, shape in enumerate(clip.scene.shapes):
            radii[row, place] = shape.radius
            looks[row, place] = torch.tensor([colors.index(shape.color), FORMS.index(shape.form)])
            for frame, shown in enumerate(clip.shown):
                centers[row, frame, place] = torch.tensor(shape.center(shown))
                visible[row, frame, place] = shape.visible(shown)
    return {
        "centers": centers,
        "visible": visible,
        "radii": radii,
        "looks": looks,
        "backgrounds": torch.tensor([clip.scene.background for clip in clips]).float(),
        "sizes": torch.tensor(
            [[clip.video_format.height, clip.video_format.width] for clip in clips]
        ),
    }
