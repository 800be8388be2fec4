"""Keypoints as FiftyOne stores them, without its label objects.

An object takes a third of a millisecond of CPU to make and more to write, and a track that is
densified has one in every frame. A document is a copy of one that FiftyOne made of an object, with
other values in it, and takes a fiftieth of that.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import fiftyone as fo
from bson import ObjectId

Document = dict[str, Any]
"""A label as ``to_dict`` of FiftyOne's labels gives it."""


def keypoint_document(x: float, y: float, **attributes: Any) -> Document:
    """An ``fo.Keypoint`` of one point; ``attributes`` are its own (label, index) and others."""
    return {**_keypoint(), "_id": ObjectId(), "points": [[x, y]], **attributes}


def instance_document(identity: str) -> Document:
    """An ``fo.Instance`` with an id of 24 hexadecimal digits."""
    return dict(fo.Instance(id=identity).to_dict())


def keypoints_document(keypoints: Iterable[Document]) -> Document:
    """An ``fo.Keypoints`` of them."""
    return {**_keypoints(), "keypoints": list(keypoints)}


def to_document(label: fo.Keypoints) -> Document:
    """What FiftyOne stores of a label."""
    return dict(label.to_dict())


def to_label(document: Document) -> fo.Keypoints:
    """The label that is stored as ``document``, sooner than FiftyOne's ``from_dict`` has it."""
    return fo.Keypoints(keypoints=[_to_keypoint(each) for each in document["keypoints"]])


_DEFAULTS: tuple[Any, ...] = (None, [], {})
"""Of the attributes that nobody gave."""


def _to_keypoint(document: Document) -> fo.Keypoint:
    attributes = {
        name: value
        for name, value in document.items()
        if not name.startswith("_") and value not in _DEFAULTS
    }
    if "instance" in attributes:
        attributes["instance"] = fo.Instance(id=str(attributes["instance"]["_id"]))
    return fo.Keypoint(id=str(document["_id"]), **attributes)


@cache
def _keypoint() -> Document:
    return dict(fo.Keypoint(points=[(0.0, 0.0)]).to_dict())


@cache
def _keypoints() -> Document:
    return dict(fo.Keypoints().to_dict())
