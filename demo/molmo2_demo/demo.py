"""The whole road: rendered videos, a real server, a labelled FiftyOne dataset, and its score."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import fiftyone as fo

from molmo2_client import Molmo2
from molmo2_client.fiftyone import Asks, label_dataset
from molmo2_client.fiftyone.database import private_database
from molmo2_client.serving import Ports, ServeOptions, running_server
from molmo2_demo.answers import LABEL_FIELD, read_answers
from molmo2_demo.appearance import arrange
from molmo2_demo.dataset import PROMPT_FIELD, make_dataset
from molmo2_demo.generate import DemoVideo, generate
from molmo2_demo.outcome import Outcome, Transport, VideoOutcome

PROMPTED_BY_SAMPLE = ("pointing", "tracking")
"""The operations whose prompt is the sample's own."""


def run_demo(
    archive: Path, folder: Path, count: int, seed: int, tell: Callable[[str], None]
) -> Outcome:
    """Labels ``count`` rendered videos, the first half over HTTP and the others over gRPC.

    HTTP carries the videos' bytes, gRPC their paths. ``folder`` keeps the videos, the server's
    files and logs, and the database with the dataset. Everything that was started is stopped.
    ``tell`` hears how it goes.

    Raises:
        ServerFailed: the server did not start.
        DatabaseError: MongoDB did not start.
        Molmo2Error: the server went away in the middle.
    """
    started = time.monotonic()
    tell(f"rendering {count} videos")
    videos = generate(folder / "videos", count, seed)
    options = ServeOptions(
        model_store=archive.parent,
        models=[archive.stem],
        run_directory=folder / "server",
        ports=Ports.unused(),
        allowed_roots=[folder / "videos"],
    )
    with private_database(folder / "database"), running_server(options, tell) as server:
        tell(f"labelling them in {folder / 'database'}")
        dataset = make_dataset(videos)
        half = len(videos) // 2
        connect = partial(Molmo2, model=archive.stem, key_file=server.key_file)
        with (
            connect(url=server.http_url, media="upload") as http,
            connect(url=server.grpc_url, media="path") as grpc,
        ):
            outcomes = [
                *label(dataset, videos[:half], "http", http),
                *label(dataset, videos[half:], "grpc", grpc),
            ]
        arrange(dataset)
        name = dataset.name
    return Outcome(name, outcomes, time.monotonic() - started)


def label(
    dataset: fo.Dataset, videos: Sequence[DemoVideo], transport: Transport, client: Asks
) -> list[VideoOutcome]:
    """Asks everything about ``videos`` in one request each, and reads the dataset afterwards."""
    view = dataset.select_by("filepath", [str(video.path) for video in videos], ordered=True)
    view.tag_samples(transport)
    label_dataset(
        view,
        videos[0].truth.operations,
        client=client,
        label_field=LABEL_FIELD,
        prompt_field=dict.fromkeys(PROMPTED_BY_SAMPLE, PROMPT_FIELD),
        densify="linear",  # for the App; what lies between sampled frames is not scored
    )
    view.reload()
    return [
        VideoOutcome(transport, video.truth, read_answers(sample))
        for video, sample in zip(videos, view, strict=True)
    ]
