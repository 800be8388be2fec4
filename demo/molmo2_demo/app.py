"""Opens the FiftyOne App on the demo's dataset: ``python -m molmo2_demo.app``."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import fiftyone as fo
import typer

from molmo2_client.fiftyone.database import private_database
from molmo2_demo.dataset import NAME

ADDRESS = "127.0.0.1"
"""Loopback only: the App serves any file that its user may read."""

GRID_ZOOM = 8
"""From 0 to 10: the demo has few videos, which may be large."""


def main(
    folder: Annotated[Path, typer.Option(help="Where the demo ran.")] = Path("run/demo"),
    port: Annotated[int, typer.Option(help="Where the App listens, on loopback.")] = 5151,
) -> None:
    """Serve the App until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with private_database(folder / "database"):
        if not fo.dataset_exists(NAME):
            raise typer.BadParameter(f"{folder} holds no dataset {NAME!r}; run `make demo` first")
        fo.app_config.grid_zoom = GRID_ZOOM
        session = fo.launch_app(fo.load_dataset(NAME), remote=True, address=ADDRESS, port=port)
        print(f"http://{ADDRESS}:{port}/datasets/{NAME} — Ctrl-C ends it", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()
        finally:
            session.close()


if __name__ == "__main__":
    typer.run(main)
