"""An embedding as FiftyOne stores it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from molmo2_client.fiftyone.asking import Answer
from molmo2_contract.errors import InternalError
from molmo2_contract.results import EmbedResult

Vector = np.ndarray[Any, np.dtype[np.float32]]
"""Of shape (dimension,), or (samples, dimension) for several."""


def to_vector(embedding: Sequence[float]) -> Vector | None:
    """``embedding`` of shape (dimension,); ``None`` where it is empty or not finite."""
    vector = np.asarray(embedding, dtype=np.float32)
    return vector if vector.size and np.isfinite(vector).all() else None


def only_vector(answer: Answer) -> Vector:
    """The vector of an answer to one ``Embed`` that is no error, of shape (dimension,).

    Raises:
        InternalError: it is empty or not finite.
    """
    (result,) = answer.results
    assert isinstance(result, EmbedResult)  # ``ask`` compares what was answered and asked
    vector = to_vector(result.embedding)
    if vector is None:
        raise InternalError("the server's vector is empty, or holds numbers that are not finite")
    return vector
