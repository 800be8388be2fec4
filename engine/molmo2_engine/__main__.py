"""``python -m molmo2_engine --checkpoint FOLDER --socket PATH``: serves a checkpoint."""

import logging
import sys

from pydantic_settings import CliApp

from molmo2_engine.kv.sizing import CacheTooSmall
from molmo2_engine.model.checkpoint import NotMolmo2
from molmo2_engine.process import run
from molmo2_engine.settings import EngineSettings


def main() -> None:
    settings = CliApp.run(EngineSettings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        run(settings)
    except (NotMolmo2, CacheTooSmall) as error:
        sys.exit(f"molmo2-engine: {error}")


if __name__ == "__main__":
    main()
