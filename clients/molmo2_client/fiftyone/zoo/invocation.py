"""Which view FiftyOne is about to loop over, and how many requests its caller wants at once.

FiftyOne gives a video model one video at a time and tells it neither what follows nor the
``batch_size``. It enters the model as a context first, so the call that does so is found among
those under way, and the public parameters of ``apply_model`` and ``compute_embeddings`` are read
there. Where they are not found, as in a later FiftyOne, the model asks one video after another.

Of an image FiftyOne gives the pixels alone; which sample they are of stands in its loop.
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

_MODULE = "fiftyone.core.models"
_APPLY, _EMBED = "apply_model", "compute_embeddings"


@dataclass(frozen=True)
class Invocation:
    """A call of ``apply_model``, or of ``compute_embeddings``, which has no ``label_field``."""

    samples: SampleCollection
    label_field: str | None
    batch_size: int | None


def invocation_of(model: object) -> Invocation | None:
    """The innermost call that is under way with ``model``."""
    return next((found for frame in _frames(model) if (found := _read(frame))), None)


def sample_of(model: object) -> fo.Sample | None:
    """The sample that FiftyOne's innermost loop with ``model`` is busy with."""
    samples = (frame.f_locals.get("sample") for frame in _frames(model))
    return next((sample for sample in samples if sample is not None), None)


def _frames(model: object) -> Iterator[FrameType]:
    """FiftyOne's functions that are under way with ``model``, the innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == _MODULE and frame.f_locals.get("model") is model:
            yield frame
        frame = frame.f_back


def _read(frame: FrameType) -> Invocation | None:
    arguments: dict[str, Any] = frame.f_locals
    samples, batch_size = arguments.get("samples"), arguments.get("batch_size")
    label_field = arguments.get("label_field")
    function = frame.f_code.co_name
    if not isinstance(samples, SampleCollection) or function not in (_APPLY, _EMBED):
        return None
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size={batch_size}: requests at once, must be at least 1")
    if function == _EMBED:
        return Invocation(samples, None, batch_size)
    if not isinstance(label_field, str):
        raise ValueError(f"label_field={label_field!r}: must be the name of a field")
    return Invocation(samples, label_field, batch_size)
