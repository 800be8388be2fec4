"""The samples of a FiftyOne dataset that a command is about."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from molmo2_client.command.running import end


def load_view(dataset: str, view: str | None, max_samples: int | None) -> Any:
    """The FiftyOne view of that name; ends the command where there is none."""
    need_fiftyone()
    import fiftyone as fo
    from fiftyone.core.config import FiftyOneConfigError

    try:
        datasets = fo.list_datasets()
    except (FiftyOneConfigError, ConnectionError) as error:
        end(f"FiftyOne has no database: {error}")
    if dataset not in datasets:
        folder = "; a folder needs --output" if Path(dataset).is_dir() else ""
        end(f"there is no dataset {dataset!r} among {', '.join(datasets) or 'none'}{folder}")
    samples = fo.load_dataset(dataset)
    if view is not None:
        views = samples.list_saved_views()
        if view not in views:
            end(f"{dataset!r} has no saved view {view!r} among {', '.join(views) or 'none'}")
        samples = samples.load_saved_view(view)
    return samples if max_samples is None else samples.limit(max_samples)


def need_fiftyone() -> None:
    """Ends the command where FiftyOne is not installed."""
    if find_spec("fiftyone") is None:
        end("FiftyOne is not installed: pip install 'molmo2-torchserve[fiftyone]'")


def only_for_datasets(**given: object) -> None:
    """Refuses options that mean nothing for a folder."""
    _refuse(given, "means nothing for a folder; leave it out, or --output")


def only_for_folders(**given: object) -> None:
    """Refuses options that mean nothing for a dataset."""
    _refuse(given, "is for folders; a dataset has clips (to_clips)")


def _refuse(given: Mapping[str, object], why: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise typer.BadParameter(why, param_hint=f"--{name.replace('_', '-')}")
