"""Types of FiftyOne fields, and their declaration on a dataset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import fiftyone as fo
from fiftyone.core.odm import create_field


class FieldClash(ValueError):
    """The dataset has fields of these names with other types; nothing was asked or written."""


@dataclass(frozen=True)
class FieldType:
    """A FiftyOne field class; with ``document`` an embedded document, in a list or not.

    ``attributes`` are those that we add to the document's own. They are declared, so that the
    App shows them and they can be filtered by.
    """

    field: type[Any]
    document: type[Any] | None = None
    attributes: Mapping[str, "FieldType"] = field(default_factory=dict)

    def __str__(self) -> str:
        return (self.document or self.field).__name__

    def matches(self, found: fo.Field) -> bool:
        """Whether ``found`` can hold what this holds."""
        element = getattr(found, "field", None) if self.field is fo.ListField else found
        document = getattr(element, "document_type", None)
        return isinstance(found, self.field) and document is self.document


def document(**attributes: FieldType) -> FieldType:
    """A document of attributes of our own."""
    return FieldType(fo.EmbeddedDocumentField, fo.DynamicEmbeddedDocument, attributes)


def _label(kind: type[Any], **attributes: FieldType) -> FieldType:
    return FieldType(fo.EmbeddedDocumentField, kind, attributes)


TEXT = FieldType(fo.StringField)
NUMBER = FieldType(fo.FloatField)
FLAG = FieldType(fo.BooleanField)
MOMENT = FieldType(fo.DateTimeField)
VECTOR = FieldType(fo.VectorField)
CLASSIFICATION = _label(fo.Classification)
CLASSIFICATIONS = _label(fo.Classifications)
PLAIN_KEYPOINTS = _label(fo.Keypoints)
KEYPOINTS = _label(
    fo.Keypoints,
    keypoints=FieldType(
        fo.ListField, fo.Keypoint, {"time": NUMBER, "interpolated": FLAG, "clip": TEXT}
    ),
)
EVENTS = _label(
    fo.TemporalDetections,
    detections=FieldType(fo.ListField, fo.TemporalDetection, {"start": NUMBER, "end": NUMBER}),
)


def check_types(
    dataset: fo.Dataset, fields: Mapping[str, FieldType], *, videos: fo.Dataset | None = None
) -> None:
    """Compares ``fields`` with those that are there, as ``declare`` does; adds nothing.

    Raises:
        FieldClash: listing every path that is there with another type.
    """
    present = _present(dataset, fields, videos)
    clashes = {
        path: f"{path} is {_describe(found)}, must be {wanted}"
        for path, wanted in _paths(fields)
        if (found := present[path]) is not None and not wanted.matches(found)
    }
    if clashes:
        raise FieldClash(
            f"dataset {dataset.name!r}: {'; '.join(clashes.values())}. Nothing was asked. Choose "
            f"other field names, or remove {', '.join(_removal(path) for path in clashes)}"
        )


def declare(
    dataset: fo.Dataset, fields: Mapping[str, FieldType], *, videos: fo.Dataset | None = None
) -> set[str]:
    """Adds what ``dataset`` lacks of ``fields``, and returns those that it did not have at all.

    Paths of frame fields begin with ``frames.``; they belong to ``videos``, which is another
    dataset where ``dataset`` holds clips.

    Raises:
        FieldClash: listing every path that is there with another type; nothing was added.
    """
    check_types(dataset, fields, videos=videos)
    present = _present(dataset, fields, videos)
    for name, kind in fields.items():
        if any(present[path] is None for path, _ in _paths({name: kind})):
            _add((videos or dataset) if _of_frames(name) else dataset, name, kind)
    return {name for name in fields if present[name] is None}


def _present(
    dataset: fo.Dataset, fields: Mapping[str, FieldType], videos: fo.Dataset | None
) -> dict[str, fo.Field | None]:
    """Path to the field that is there, for ``fields`` and all their attributes."""
    homes = {True: videos or dataset, False: dataset}
    return {path: homes[_of_frames(path)].get_field(path) for path, _ in _paths(fields)}


def _paths(fields: Mapping[str, FieldType], parent: str = "") -> Iterator[tuple[str, FieldType]]:
    for name, kind in fields.items():
        yield parent + name, kind
        yield from _paths(kind.attributes, f"{parent}{name}.")


def _of_frames(path: str) -> bool:
    return path.startswith("frames.")


def _describe(found: fo.Field) -> str:
    return (getattr(found, "document_type", None) or type(found)).__name__


def _removal(path: str) -> str:
    if _of_frames(path):
        return f"dataset.delete_frame_field({path.removeprefix('frames.')!r})"
    return f"dataset.delete_sample_field({path!r})"


def _add(dataset: fo.Dataset, path: str, kind: FieldType) -> None:
    add = dataset.add_frame_field if _of_frames(path) else dataset.add_sample_field
    attributes = [_create(name, each) for name, each in kind.attributes.items()]
    add(
        path.removeprefix("frames."),
        kind.field,
        embedded_doc_type=kind.document,
        fields=attributes or None,
    )


def _create(name: str, kind: FieldType) -> fo.Field:
    attributes = [_create(each, inner) for each, inner in kind.attributes.items()]
    return create_field(
        name,
        kind.field,
        embedded_doc_type=kind.document,
        subfield=fo.EmbeddedDocumentField if kind.field is fo.ListField else None,
        fields=attributes or None,
    )
