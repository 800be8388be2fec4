"""Packages that one setting needs and the others do not."""

from importlib.util import find_spec

from molmo2_engine.model.refused import CheckpointRefused


class MissingPackage(CheckpointRefused):
    """A setting wants a package that is not installed."""


def require(package: str, *, extra: str, wanted_by: str) -> None:
    """Raises:
    MissingPackage: naming the setting and what to install.
    """
    if find_spec(package) is None:
        raise MissingPackage(
            f"{wanted_by} needs {package}, which is not installed; "
            f"pip install 'molmo2-torchserve[{extra}]'"
        )
