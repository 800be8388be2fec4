"""Renews the key that callers have, where the operator wants that."""

import logging
import time

from molmo2_ops.management import Management, ManagementUnreachable

logger = logging.getLogger(__name__)


class KeyRenewal:
    """Of TorchServe's inference key."""

    def __init__(self, management: Management, every: float) -> None:
        """``every``: seconds; 0 leaves the key as it is."""
        self._management = management
        self._every = every
        self._renewed = time.monotonic()

    def renew_if_due(self) -> None:
        """What fails is tried again when this is next called."""
        now = time.monotonic()
        if not self._every or now - self._renewed < self._every:
            return
        try:
            self._management.renew_key("inference")
        except ManagementUnreachable as error:
            logger.warning("the inference key could not be renewed: %s", error)
        else:
            self._renewed = now
