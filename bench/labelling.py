"""FiftyOne datasets filled by ``label_dataset`` and by ``apply_model``, and the writing alone.

64 videos, and a server with 16 slots that answers after 0.3 s. ``apply_model`` with a model that
asks about the video that FiftyOne hands over, then ``apply_model`` with the zoo's model, which asks
ahead, then ``label_dataset``; all three with ``molmo2_client.Molmo2`` over HTTP, for the same
answers. Then 1,000 answers of 60 frames with two points each become labels in the database, as
``apply_model`` writes them and as ``label_dataset`` does, in turns.

    make bench-fiftyone

The last line is one JSON object.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.models as fom
from slow_server import slow_server
from tracked import TRACKS, tracked

from molmo2_client import Molmo2
from molmo2_client.fiftyone import label_dataset
from molmo2_client.fiftyone.checks import fields_of
from molmo2_client.fiftyone.database import private_database
from molmo2_client.fiftyone.labels import Labels
from molmo2_client.fiftyone.mapping import to_labels
from molmo2_client.fiftyone.outcomes import answered
from molmo2_client.fiftyone.questions import parse_questions
from molmo2_client.fiftyone.schema import declare
from molmo2_client.fiftyone.task import Task
from molmo2_client.fiftyone.writer import LabelWriter
from molmo2_client.fiftyone.zoo import Molmo2Model, Molmo2ModelConfig
from molmo2_client.fiftyone.zoo.labels import ZooFieldNames, as_predicted
from molmo2_contract.operations import Tracking
from molmo2_contract.response import Response
from molmo2_demo.generate import generate

SECONDS, SLOTS = 0.3, 16
TRACKING = Tracking(prompt="shapes")
NAMES = ZooFieldNames.of_label("f")
FRAMES, BATCH = 60, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=64)
    parser.add_argument("--samples", type=int, default=1000, help="of which the writing is timed")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    arguments = parser.parse_args()
    videos = rendered(Path(__file__).parents[1] / "build/bench-fiftyone", arguments.videos)
    with tempfile.TemporaryDirectory() as folder, private_database(folder):
        serial, ahead, own = throughput(videos, arguments.rounds)
        slow, fast = writing(arguments.samples)
    result = {
        "label_dataset_speedup": round(speedup(own, serial), 2),
        "apply_model_speedup": round(speedup(ahead, serial), 2),
        "write_ratio": round(fast / slow, 3),
    }
    print(json.dumps(result))


def rendered(folder: Path, count: int) -> list[str]:
    """``count`` videos of moving shapes; those of an earlier call are taken again."""
    if len(list(folder.glob("*.mp4"))) < count:
        generate(folder, count, seed=0)
    return [str(path) for path in sorted(folder.glob("*.mp4"))[:count]]


class OneAfterAnother(fom.SamplesMixin, fom.Model):
    """A model as one writes it: FiftyOne calls, it asks the server, and FiftyOne waits."""

    media_type, ragged_batches, transforms, preprocess = "video", False, None, False

    def __init__(self, client: Molmo2) -> None:
        fom.SamplesMixin.__init__(self)
        self.config = None
        self._client = client

    def predict(self, reader, sample):
        response = self._client.ask(reader.inpath, TRACKING)
        return as_predicted(to_labels(response, NAMES, sample.id), NAMES)


def throughput(videos: list[str], rounds: int) -> list[list[float]]:
    """Videos a second of the three ways in each of ``rounds``, in which they take turns."""
    frames = {Path(path).as_uri(): frames_of(path) for path in videos}
    with slow_server(frames, seconds=SECONDS, slots=SLOTS) as url:
        client = Molmo2(url, media="path")
        serial = OneAfterAnother(client)
        settings = {"operation": "tracking", "prompt": TRACKING.prompt}
        ahead = Molmo2Model(Molmo2ModelConfig(settings), client)
        applied = {"label_field": "f", "batch_size": SLOTS, "skip_failures": False}
        ways: dict[str, Callable[[fo.Dataset], object]] = {
            "apply_model, one after another": lambda dataset: dataset.apply_model(
                serial, progress=False, **applied
            ),
            "apply_model, zoo's model": lambda dataset: dataset.apply_model(
                ahead, progress=False, **applied
            ),
            "label_dataset": lambda dataset: label_dataset(
                dataset, [TRACKING], client=client, label_field="f", concurrency=SLOTS,
                progress=False,
            ),
        }  # fmt: skip
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                rates[name].append(rate(way, videos))
    print(f"{len(videos)} videos, {SLOTS} slots, {SECONDS} s; videos a second in each round")
    for name, each in rates.items():
        print(f"  {name:<32} {'  '.join(f'{one:6.2f}' for one in each)}")
    return list(rates.values())


def rate(way: Callable[[fo.Dataset], object], videos: list[str]) -> float:
    with dataset_of([fo.Sample(filepath=path) for path in videos]) as dataset:
        started = time.perf_counter()
        way(dataset)
        seconds = time.perf_counter() - started
        assert dataset.count("frames.f_tracks") == dataset.count("frames")
        assert len(dataset.exists("frames.f_tracks")) == len(videos)
        return len(videos) / seconds


def speedup(rates: list[float], peer: list[float]) -> float:
    """The median of the rounds' own: a busy machine is as busy for both of one round."""
    return statistics.median(own / other for own, other in zip(rates, peer, strict=True))


def writing(count: int) -> tuple[float, float]:
    """Seconds from ``count`` answers to the database, by ``apply_model`` and by ``label_dataset``.

    Making the labels counts: as FiftyOne's objects for the one, as documents for the other.
    """
    response = tracked("a request", FRAMES, 1, 30.0)
    samples = [fo.Sample(filepath=f"/nowhere/{i}.mp4") for i in range(count)]
    seconds = dict.fromkeys(("apply_model", "label_dataset", "of it making the labels"), 0.0)

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[name] += time.perf_counter() - started

    def made(dataset: fo.Dataset, first: int) -> dict[str, Labels]:
        return {i: to_labels(response, NAMES, i) for i in ids(dataset, first)}

    with dataset_of(samples) as applied, dataset_of(samples) as labelled:
        declare(labelled, fields_of(parse_questions([TRACKING]), NAMES))
        for first in range(0, count, BATCH):
            with timed("apply_model"):
                write_as_apply_model(applied[first : first + BATCH], made(applied, first))
            with timed("label_dataset"):
                with timed("of it making the labels"):
                    labels = made(labelled, first)
                write_as_label_dataset(labelled, labels, response)
        for dataset in (applied, labelled):
            assert dataset.count("frames.f_tracks.keypoints") == TRACKS * FRAMES * count
    print(f"{count} answers of {FRAMES} frames with {TRACKS} points; seconds into the database")
    for name, each in seconds.items():
        print(f"  {name:<32} {each:6.1f}")
    return seconds["apply_model"], seconds["label_dataset"]


def ids(dataset: fo.Dataset, first: int) -> list[str]:
    return dataset[first : first + BATCH].values("id")


def write_as_apply_model(view: fo.DatasetView, labels: dict[str, Labels]) -> None:
    """What ``apply_model`` does with what a model's ``predict`` returns."""
    view = view.select_fields()
    with foc.SaveContext(view) as context:
        for sample in view:
            sample.add_labels(as_predicted(labels[sample.id], NAMES), label_field="f")
            context.save(sample)


def write_as_label_dataset(
    dataset: fo.Dataset, labels: dict[str, Labels], response: Response
) -> None:
    """What ``label_dataset`` does with the labels of a response; it writes a run record too."""
    writer = LabelWriter(dataset, NAMES.run)
    for sample_id, each in labels.items():
        task = Task(sample_id, "", [TRACKING])
        writer.add(sample_id, each, answered(task, response, each.dropped, SECONDS))
    writer.flush()


@contextmanager
def dataset_of(samples: list[fo.Sample]) -> Iterator[fo.Dataset]:
    dataset = fo.Dataset()
    dataset.add_samples([sample.copy() for sample in samples], progress=False)
    try:
        yield dataset
    finally:
        dataset.delete()


def frames_of(path: str) -> tuple[int, int, float]:
    """Frames, the step that samples two a second, and frames a second."""
    metadata = fo.VideoMetadata.build_for(path)
    step = max(1, round(metadata.frame_rate / 2))
    return metadata.total_frame_count, step, metadata.frame_rate


if __name__ == "__main__":
    main()
