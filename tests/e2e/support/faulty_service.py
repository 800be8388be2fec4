"""The archive's way in with two faults built in, for requests that ask for them by their prompt."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "packages"))

from molmo2_handler.service import Molmo2Handler


class Molmo2Service(Molmo2Handler):
    """The handler of one request worker."""

    def _answer(self, request, incoming, outgoing, request_id):
        match getattr(request.operations[0], "prompt", ""):
            case "raise":
                raise ZeroDivisionError("as asked")
            case "crash":  # what a decoder does that writes where it must not
                os.kill(os.getpid(), signal.SIGSEGV)
        return super()._answer(request, incoming, outgoing, request_id)
