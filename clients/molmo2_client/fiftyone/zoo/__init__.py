"""Molmo2 of FiftyOne's model zoo, answered by a server.

    import fiftyone.zoo as foz
    import molmo2_client.fiftyone.zoo

    model = foz.load_zoo_model("allenai/Molmo2-4B", url="http://localhost:8080")
    model.operation = "pointing"
    model.prompt = "person's nose"
    dataset.apply_model(model, "point_pred", batch_size=16)

Importing this registers ``MANIFEST`` with FiftyOne. So does the environment, without an import:
``FIFTYONE_MODEL_ZOO_MANIFEST_PATHS=$(python -m molmo2_client.fiftyone.zoo)``.
"""

from pathlib import Path

import fiftyone as fo

from molmo2_client.fiftyone.zoo.config import Molmo2ModelConfig
from molmo2_client.fiftyone.zoo.model import Molmo2Model

__all__ = ["MANIFEST", "Molmo2Model", "Molmo2ModelConfig", "register"]

MANIFEST = str(Path(__file__).with_name("manifest.json"))
"""The four checkpoints, in the form of FiftyOne's model zoo."""


def register() -> None:
    """Adds ``MANIFEST`` to those that FiftyOne of this process looks into."""
    known = list(fo.config.model_zoo_manifest_paths or [])
    if MANIFEST not in known:
        fo.config.model_zoo_manifest_paths = [*known, MANIFEST]


register()
