"""A server of the demo model for a benchmark, with as many workers as it wants."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from molmo2_archive.build import Archive, build
from molmo2_client.serving import Ports, RunningServer, ServeOptions, running_server

ROOT = Path(__file__).parents[1]

SHIPPED = yaml.safe_load((ROOT / "archive/molmo2_archive/configs/molmo2-demo.yaml").read_text())
WORKERS, PLACES = SHIPPED["minWorkers"], SHIPPED["jobQueueSize"]
"""What a server of the demo model has as it is shipped: workers, and places to wait for one."""


@contextmanager
def staged_server(folder: Path, workers: int, queue: int) -> Iterator[RunningServer]:
    """Watched, as ``molmo2 serve`` would; videos are in ``folder/videos``."""
    demo = Archive("molmo2-demo", str(ROOT / "demo/checkpoint"), True, "molmo2-demo")
    archive = build(demo, folder / "store")
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()}
    name = next(name for name in files if name.endswith("config.yaml"))
    wanted = {"minWorkers": workers, "maxWorkers": workers, "jobQueueSize": queue}
    files[name] = yaml.safe_dump({**yaml.safe_load(files[name]), **wanted}).encode()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    options = ServeOptions(
        model_store=folder / "store",
        run_directory=folder / "run",
        properties=ROOT / "config.properties",
        ports=Ports.unused(),
        allowed_roots=[folder / "videos"],
        watched=True,
    )
    with running_server(options) as server:
        yield server
