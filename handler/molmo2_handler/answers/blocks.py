"""The points of an answer, tag by tag."""

from collections import Counter
from dataclasses import dataclass

from molmo2_handler.answers.coordinates import SpokenPoint, read_coordinates
from molmo2_handler.answers.legacy import read_percentages
from molmo2_handler.answers.losses import Losses
from molmo2_handler.answers.tags import Tag, find_tags


@dataclass(frozen=True)
class Block:
    """One tag with points.

    Attributes:
        label: the model's own name for what it points to; None where it gave none.
        points: in the order of the text.
        finished: how many of ``points``, from the first, belong to time steps that have ended.
        losses: how many points were dropped, by why.
        cut: whether the text ends inside the coordinates.
    """

    label: str | None
    points: list[SpokenPoint]
    finished: int
    losses: Counter[str]
    cut: bool


def read_blocks(text: str) -> list[Block]:
    """Every tag of ``text`` that holds coordinates, be it for points or for tracks."""
    return [_read(tag) for tag in find_tags(text) if _has_coordinates(tag)]


def losses_of(blocks: list[Block]) -> Losses:
    """The points that were dropped from ``blocks``."""
    losses = Losses("points")
    for block in blocks:
        for why, count in block.losses.items():
            losses.add(why, count)
    return losses


def _has_coordinates(tag: Tag) -> bool:
    return not tag.attributes.keys().isdisjoint({"coords", "x", "x1"})


def _read(tag: Tag) -> Block:
    if "coords" in tag.attributes:
        read = read_coordinates(tag.attributes["coords"], tag.coordinates_cut)
    else:
        read = read_percentages(tag.attributes)
    return Block(_label(tag), read.points, read.finished, read.losses, tag.coordinates_cut)


def _label(tag: Tag) -> str | None:
    """What stands between the tags; the training data repeat it in ``label`` or ``alt``."""
    written = (tag.body, tag.attributes.get("label"), tag.attributes.get("alt"))
    return next((label.strip() for label in written if label and label.strip()), None)
