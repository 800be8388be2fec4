"""``python -m molmo2_ops --run-directory DIRECTORY``: watches the TorchServe of that directory."""

import logging
import signal
import sys

from pydantic import ValidationError
from pydantic_settings import CliApp

from molmo2_ops.beside import Beside
from molmo2_ops.settings import OpsSettings
from molmo2_ops.torchserve_process import NotWatchable


def main() -> None:
    try:
        settings = CliApp.run(OpsSettings)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        sys.exit(": ".join(["molmo2-ops", *map(str, fault["loc"]), fault["msg"]]))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    beside = Beside(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: beside.stop())
    try:
        report = beside.run()
    except NotWatchable as error:
        sys.exit(f"molmo2-ops: {error}")
    if report is not None:
        print(report, flush=True)
    sys.exit(1 if report is None or not report.complete else 0)


if __name__ == "__main__":
    main()
