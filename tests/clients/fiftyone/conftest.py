"""A real MongoDB, real files, and an object that answers in the place of a server."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from answerer import Answerer
from PIL import Image

from molmo2_client.fiftyone.database import private_database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # FiftyOne's dependencies deprecate each other on import
    import fiftyone as fo

FRAMES = 20
RATE = 10


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    running = private_database(tmp_path_factory.mktemp("mongo"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mongoengine warns of a default when FiftyOne connects
        uri = running.__enter__()
    yield uri
    running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve clips of 2 s at 10 frames a second, each of another grey."""
    folder = tmp_path_factory.mktemp("videos")
    return [_render(folder / f"{i:02d}.mp4", grey=20 * i) for i in range(12)]


def _render(path: Path, *, grey: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        picture = np.full((48, 64, 3), grey, dtype=np.uint8)
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve images, each of another grey."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{i:02d}.png" for i in range(12)]
    for grey, path in enumerate(paths):
        Image.new("L", (64, 48), 20 * grey).save(path)
    return paths


@pytest.fixture
def make_dataset(database: str, videos: list[Path]) -> Iterator[Callable[..., fo.Dataset]]:
    """Makes a dataset of the first ``count`` clips; keywords are fields, one value a sample."""
    yield from _datasets_of(videos)


@pytest.fixture
def make_image_dataset(database: str, pictures: list[Path]) -> Iterator[Callable[..., fo.Dataset]]:
    """The same of the images."""
    yield from _datasets_of(pictures)


def _datasets_of(paths: list[Path]) -> Iterator[Callable[..., fo.Dataset]]:
    made: list[fo.Dataset] = []

    def make(count: int = 2, **fields: Sequence[Any]) -> fo.Dataset:
        dataset = fo.Dataset()
        made.append(dataset)
        dataset.add_samples([fo.Sample(filepath=str(p)) for p in paths[:count]], progress=False)
        for name, values in fields.items():
            dataset.set_values(name, list(values))
        return dataset

    yield make
    for dataset in made:
        dataset.delete()


@pytest.fixture
def answerer() -> Answerer:
    return Answerer()
