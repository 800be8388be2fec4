"""Clips and their questions as tensors."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from torch.utils.data import IterableDataset

from molmo2_trainer.clip import Clip, draw_clip
from molmo2_trainer.guides import GUIDES
from molmo2_trainer.language import Language
from molmo2_trainer.questions import Question, ask
from molmo2_trainer.row import Row, make_row
from molmo2_trainer.scenes import Scenes

OPERATIONS = ("pointing", "tracking", "describe", "temporal_localization", "comprehensive")
DURATIONS = (2.0, 3.0, 4.0, 5.0, 6.0)
DURATION_SHARES = (0.5, 0.2, 0.12, 0.1, 0.08)
"""Short clips show as much for less."""

_MULTIPLE = 32
"""Sequences are padded to one of few lengths."""


@dataclass
class Batch:
    """``n`` sequences of ``t`` tokens about scenes of ``f`` frames."""

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
    weights: torch.Tensor
    """float32 [n, t]: how much each label counts."""
    operations: torch.Tensor
    """int64 [n, t]: which of ``OPERATIONS`` a label belongs to."""
    targets: dict[str, torch.Tensor]
    """int64 [n, t, k] by guide: the tokens that each token should look at, then -1."""
    places: torch.Tensor
    """float32 [n, t, 2]: the place that a token is about to write; else not a number."""
    scenes: Scenes

    def to(self, device: torch.device) -> "Batch":
        moved = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, dict):
                moved[each.name] = {name: tensor.to(device) for name, tensor in value.items()}
            else:
                moved[each.name] = value.to(device)
        return Batch(**moved)


class Batches(IterableDataset):  # type: ignore[type-arg]
    """Endless; each of its workers draws clips of its own. All clips of a batch are as long
    and show as many shapes, so that little of it is padding.
    """

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
            (duration,) = chance.choices(DURATIONS, DURATION_SHARES)
            (count,) = chance.choices(counts, self._shares)
            clips = [draw_clip(chance, duration, count) for _ in range(self._clips)]
            seed = chance.random()  # the same kinds of questions: sequences of about one length
            asked = [ask(random.Random(seed), clip) for clip in clips]
            yield make_batch(self._language, clips, asked)


def make_batch(language: Language, clips: list[Clip], asked: list[list[Question]]) -> Batch:
    rows = [make_row(language, clip, each) for clip, each in zip(clips, asked, strict=True)]
    width = -(-max(len(row.ids) for row in rows) // _MULTIPLE) * _MULTIPLE

    def padded(lists: list[list[int]], fill: int) -> torch.Tensor:
        return torch.tensor([values + [fill] * (width - len(values)) for values in lists])

    numbers = [[OPERATIONS.index(name) if name else 0 for name in row.operations] for row in rows]
    weights = [row.weights + [0.0] * (width - len(row.weights)) for row in rows]
    return Batch(
        ids=padded([row.ids for row in rows], 0),
        positions=padded([row.positions for row in rows], 0),
        segments=padded([row.segments for row in rows], -1),
        visual=padded([[int(seen) for seen in row.visual] for row in rows], 0).bool(),
        labels=padded([row.labels for row in rows], -100),
        weights=torch.tensor(weights),
        operations=padded(numbers, 0),
        targets={name: _targets(rows, name, width) for name in GUIDES},
        places=_places(rows, width),
        scenes=Scenes.of(clips),
    )


def _targets(rows: list[Row], name: str, width: int) -> torch.Tensor:
    most = max((len(each) for row in rows for each in row.targets[name].values()), default=1)
    targets = torch.full((len(rows), width, most), -1)
    for number, row in enumerate(rows):
        for token, places in row.targets[name].items():
            targets[number, token, : len(places)] = torch.tensor(places)
    return targets


def _places(rows: list[Row], width: int) -> torch.Tensor:
    places = torch.full((len(rows), width, 2), float("nan"))
    for number, row in enumerate(rows):
        for token, place in row.places.items():
            places[number, token] = torch.tensor(place)
    return places
