"""Molmo2's answers in FiftyOne datasets of videos, and of images.

    import fiftyone as fo
    from molmo2_client import Molmo2
    from molmo2_client.fiftyone import label_dataset

    dataset = fo.load_dataset("clips")
    summary = label_dataset(
        dataset,
        [{"operation": "pointing", "prompt": "person's nose"}, "temporal_localization"],
        client=Molmo2("http://localhost:8080"),
    )

FiftyOne is imported with the first name taken from here and not before, so that
``molmo2_client.fiftyone.database`` can be used ahead of it. Torch is never imported.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from molmo2_client.fiftyone.asking import Asks
    from molmo2_client.fiftyone.embed import embed_dataset
    from molmo2_client.fiftyone.label import label_dataset
    from molmo2_client.fiftyone.schema import FieldClash
    from molmo2_client.summary import LabelSummary

__all__ = ["Asks", "FieldClash", "LabelSummary", "embed_dataset", "label_dataset"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    homes = {
        "Asks": "fiftyone.asking",
        "FieldClash": "fiftyone.schema",
        "LabelSummary": "summary",
        "embed_dataset": "fiftyone.embed",
        "label_dataset": "fiftyone.label",
    }
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"molmo2_client.{homes[name]}"), name)
