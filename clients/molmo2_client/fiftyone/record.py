"""The run record: what was asked of a sample, and how each operation ended.

With ``label_field="molmo2"`` the sample field ``molmo2_run`` holds

    status       "ok", or "error" when at least one operation has no answer
    at           when the last answer arrived (UTC)
    latency      seconds that the last request took, as its caller saw it
    request_id   of the last request
    model        name, version, checkpoint, revision
    video        frame_rate, frame_count, duration, width, height, variable_frame_rate
    image        width, height; in the place of video, where the sample is one
    pointing     and so on, one document for each operation asked so far:
                   status         ok, empty, partial, unparsed, error
                   prompt         as asked (embed has pooling and per_frame instead)
                   settings       JSON of what else was not at its default: of the operation and
                                  of the video's sampling; a json_schema by its digest
                   text           the model's raw answer
                   finish_reason  stop, length
                   reason         why a status is partial or unparsed
                   count          the count that the model states (pointing only)
                   dropped        labels that lie outside video or image and were not stored
                   error_kind     the kind of the error, its message in ``error``

An operation whose status is ``error`` is asked again by the next call; every other is finished.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import fiftyone as fo

from molmo2_client.fiftyone.schema import MOMENT, NUMBER, TEXT, document
from molmo2_client.sampling import Sampling
from molmo2_contract.errors import Error
from molmo2_contract.json_schema import write
from molmo2_contract.operations import OPERATION_NAMES, Describe, Embed, Operation
from molmo2_contract.results import Status

ANSWERED = frozenset(str(status) for status in Status if status is not Status.ERROR)
"""The statuses of an operation that is finished."""

RECORD = document(status=TEXT, at=MOMENT, latency=NUMBER, request_id=TEXT)
"""The type of a run field. The documents in it are not declared: they can be queried all the same,
and the App greets a declared document within a document with an error message."""


@dataclass(frozen=True)
class Record:
    """What one request adds to a sample's run record.

    ``request`` holds the entries of the record itself, ``outcomes`` those of each operation.
    """

    request: dict[str, Any]
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def outcomes_and_errors(self) -> Iterator[tuple[str, Status, Error | None]]:
        """By operation its status, and the error if it has one."""
        for operation, outcome in self.outcomes.items():
            kind = outcome.get("error_kind")
            error = None if kind is None else Error(kind=kind, message=outcome["error"])
            yield operation, Status(outcome["status"]), error


class Asked(NamedTuple):
    """What tells one question of an operation from another: what its document keeps of it.

    ``prompt`` of an embedding is its pooling. ``settings`` are None where all are the defaults,
    and in documents of earlier versions, which kept none.
    """

    prompt: str | None
    settings: str | None

    @classmethod
    def of(cls, operation: Operation, sampling: Sampling) -> Self:
        if isinstance(operation, Embed):
            prompt: str | None = operation.pooling.value
        else:
            prompt = getattr(operation, "prompt", None)
        settings = _settings(operation) | sampling.changed
        return cls(prompt, json.dumps(settings, sort_keys=True) if settings else None)

    @staticmethod
    def entries(operation: str) -> tuple[str, str]:
        """Where an operation's document keeps these two."""
        return ("pooling" if operation == "embed" else "prompt", "settings")

    def __str__(self) -> str:
        prompt = [] if self.prompt is None else [repr(str(self.prompt))]
        return (
            " with ".join([*prompt, *([self.settings] if self.settings else [])]) or "the default"
        )


def _settings(operation: Operation) -> dict[str, Any]:
    kept_elsewhere = {"operation", "prompt", "pooling", "per_frame"}
    settings = operation.model_dump(mode="json", exclude_defaults=True, exclude=kept_elsewhere)
    if isinstance(operation, Describe) and operation.json_schema is not None:
        written = write(operation.json_schema).encode()
        settings["json_schema"] = hashlib.blake2b(written, digest_size=8).hexdigest()
    return settings


def merged(
    earlier: fo.DynamicEmbeddedDocument | None, record: Record
) -> fo.DynamicEmbeddedDocument:
    """``record`` over what an earlier one says; the status is that of both together."""
    entries = _entries(earlier) | record.request
    for operation, outcome in record.outcomes.items():
        entries[operation] = fo.DynamicEmbeddedDocument(**outcome)
    operations = [entries[name] for name in OPERATION_NAMES if entries.get(name) is not None]
    failed = any(operation.status not in ANSWERED for operation in operations)
    entries["status"] = str(Status.ERROR if failed else Status.OK)
    return fo.DynamicEmbeddedDocument(**entries)


def without(
    earlier: fo.DynamicEmbeddedDocument, operations: Iterable[str]
) -> fo.DynamicEmbeddedDocument:
    """``earlier`` as if ``operations`` had never been asked."""
    forgotten = dict.fromkeys(operations)
    return fo.DynamicEmbeddedDocument(**(_entries(earlier) | forgotten))


def _entries(earlier: fo.DynamicEmbeddedDocument | None) -> dict[str, Any]:
    return {} if earlier is None else {name: earlier[name] for name in earlier.field_names}
