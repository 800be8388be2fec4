"""An engine's settings as its command line gives them."""

import sys

from pydantic import ValidationError
from pydantic_settings import CliApp

from molmo2_engine.settings import EngineSettings


def settings_of(program: str) -> EngineSettings:
    """The settings of this process; it ends with one line where one of them cannot be."""
    try:
        return CliApp.run(EngineSettings)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(map(str, fault["loc"]))
        sys.exit(f"{program}: {name}={fault['input']!r}: {fault['msg']}")
