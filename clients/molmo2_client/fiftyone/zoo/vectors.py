"""The vector in a server's response."""

from typing import Any

import numpy as np

from molmo2_client.fiftyone.mapping import to_labels
from molmo2_client.fiftyone.zoo.labels import ZooFieldNames
from molmo2_contract.errors import InternalError
from molmo2_contract.response import Response

Vector = np.ndarray[Any, np.dtype[np.float32]]

_NAMES = ZooFieldNames.of_label("model")


def vector_of(response: Response) -> Vector:
    """The vector of a response to one ``Embed``, of shape (dimension,).

    Raises:
        InternalError: it is empty or not finite.
    """
    vector: Vector | None = to_labels(response, _NAMES, "").values[_NAMES.embeddings_field]
    if vector is None:
        raise InternalError("the server's vector is empty, or holds numbers that are not finite")
    return vector
