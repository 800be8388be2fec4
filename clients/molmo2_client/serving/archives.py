"""What the archives of a model store are called by those who ask: names and versions."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from molmo2_client.serving.options import ServerFailed

_MANIFEST = "MAR-INF/MANIFEST.json"


def served_names(model_store: Path, archives: Sequence[str]) -> tuple[str, ...]:
    """The name of each archive's model, ``NAME`` or ``NAME/VERSION``, in the order of loading.

    TorchServe keeps several versions of a model, and answers with the one that it loaded first
    where no version is asked for.

    Args:
        archives: names of files in the model store, without ``.mar``.

    Raises:
        ServerFailed: if one is no archive, or two hold the same version of a model.
    """
    holders: dict[tuple[str, str], str] = {}
    names: list[str] = []
    for archive in archives:
        model, version = _manifest(model_store / f"{archive}.mar")
        if (model, version) in holders:
            raise ServerFailed(
                f"{holders[model, version]}.mar and {archive}.mar both hold version {version} of "
                f"{model}: build one with another --version, or choose with --model"
            )
        holders[model, version] = archive
        names.append(f"{model}/{version}" if model in names else model)
    return tuple(names)


def _manifest(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            model = json.loads(archive.read(_MANIFEST))["model"]
        return str(model["modelName"]), str(model["modelVersion"])
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise ServerFailed(
            f"{path} is no model archive ({type(error).__name__}): build it again with "
            "`make archive`"
        ) from None
