"""TorchServe's way in. It loads the one class of this file; everything else is in ``packages``.

``packages`` is kept off the archive's root because the root also holds a stand-in for torch, which
the engine process must not find.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "packages"))

from molmo2_handler.service import Molmo2Handler


class Molmo2Service(Molmo2Handler):
    """The handler of one request worker."""
