"""``label_folder`` with a bar that shows how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from molmo2_client.call import Operations
from molmo2_client.client import Molmo2
from molmo2_client.summary import LabelSummary


def label_folder(folder: str, operations: Operations, molmo2: Molmo2, **how: Any) -> LabelSummary:
    """``folder.label_folder`` with a progress bar."""
    from molmo2_client import folder as folders

    with _bar() as progress:
        return folders.label_folder(folder, operations, client=molmo2, progress=progress, **how)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr with videos a second and how long it will take, in a terminal."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("videos"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, rate="")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            speed = bar.tasks[task].finished_speed or bar.tasks[task].speed
            bar.update(task, rate=f"{speed:.1f} videos/s" if speed else "")

        yield show
