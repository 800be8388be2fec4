"""What ``load_zoo_model`` is told: where the server is, and what to ask."""

from typing import Any

import fiftyone.core.config as foc
import fiftyone.zoo.models as fozm
from pydantic import ValidationError

from molmo2_client import Molmo2, Settings
from molmo2_client.fiftyone.zoo.asking import Asking, explained


class Molmo2ModelConfig(foc.Config, fozm.HasZooModel):  # type: ignore[misc]
    """The keywords of ``load_zoo_model``.

    Args:
        d: by name, the settings of ``molmo2_client.Molmo2`` (``url``, ``model``, ``key_file``,
            ``media``, …), those of ``Asking`` (``operation``, ``prompt``, ``concurrency``, …),
            and ``checkpoint``, which the manifest gives. The server's model is ``model``, else
            ``MOLMO2_MODEL`` of the environment, else the name that an archive of the checkpoint
            has: ``molmo2-4b`` for ``allenai/Molmo2-4B``.

    Raises:
        ValueError: a keyword is unknown or out of its bounds.
        InvalidRequest: a setting of the client is out of its bounds.
    """

    def __init__(self, d: dict[str, Any]) -> None:
        given = dict(d)
        self.checkpoint: str | None = given.pop("checkpoint", None)
        self.client_settings = {n: given.pop(n) for n in Settings.model_fields if n in given}
        try:
            self.asking = Asking(**given)
        except ValidationError as error:
            raise ValueError(explained(error)) from None
        named = "model" in Settings.load(**self.client_settings).model_fields_set
        if self.checkpoint is not None and not named:
            self.client_settings["model"] = self.checkpoint.rsplit("/", 1)[-1].lower()

    def connect(self) -> Molmo2:
        """A client of the server that is configured."""
        return Molmo2(**self.client_settings)
