"""SIGKILL at any moment: the next call goes on, and the end is that of an undisturbed run."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from fractions import Fraction

import fiftyone as fo
import pytest
from small_videos import render

from molmo2_client.fiftyone.writer import FLUSH_SAMPLES

CONCURRENCY = 4

OPERATIONS = [
    {"operation": "pointing", "prompt": "nose"},
    {"operation": "tracking", "prompt": "hand"},
    {"operation": "temporal_localization"},
    {"operation": "describe", "prompt": "What is it?"},
    {"operation": "embed"},
]

LABELLER = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    import fiftyone as fo
    from molmo2_client import Molmo2
    from molmo2_client.fiftyone import label_dataset
    import molmo2_client.fiftyone.label, molmo2_client.transport.http

    # Each run is a process of its own, which only takes over what has been imported.
    for line in sys.stdin:
        dataset, url = line.split()
        run = os.fork()
        if run == 0:
            with Molmo2(url, media="path", retries=0) as client:
                label_dataset(fo.load_dataset(dataset), OPERATIONS, client=client,
                              concurrency=CONCURRENCY, progress=False)
            os._exit(0)
        print(run, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]), flush=True)
"""


class Labeller:
    """Starts processes that label a dataset."""

    def __init__(self):
        script = f"OPERATIONS, CONCURRENCY = {OPERATIONS!r}, {CONCURRENCY}\n"
        self._starter = subprocess.Popen(
            [sys.executable, "-c", script + textwrap.dedent(LABELLER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, dataset, url):
        self._starter.stdin.write(f"{dataset.name} {url}\n")
        self._starter.stdin.flush()
        return int(self._starter.stdout.readline())

    def wait(self):
        return int(self._starter.stdout.readline())

    def close(self):
        self._starter.stdin.close()
        self._starter.wait(60)
        self._starter.stdout.close()


@pytest.fixture(params=[(16, 3), pytest.param((100, 20), marks=pytest.mark.slow)])
def scale(request):
    """How many videos, and how many kills."""
    return request.param


@pytest.fixture
def dataset(scale, database, tmp_path):
    videos, _ = scale
    dataset = fo.Dataset(persistent=True)
    for number in range(videos):
        frames = [Fraction(n, 10) for n in range(6 + number % 20)]
        path = render(tmp_path / f"{number:03d}.mp4", frames)
        dataset.add_sample(fo.Sample(filepath=str(path)))
    yield dataset
    dataset.delete()


@pytest.fixture
def undisturbed(dataset):
    copy = dataset.clone(persistent=True)
    yield copy
    copy.delete()


@pytest.fixture
def labeller():
    labeller = Labeller()
    yield labeller
    labeller.close()


def test_the_end_is_that_of_an_undisturbed_run(
    scale, dataset, undisturbed, labeller, contract_server
):
    videos, kills = scale
    chance = random.Random(kills)
    contract_server.hold = 0.2
    asked_again = 0
    for answers in sorted(chance.sample(range(1, videos - CONCURRENCY), kills)):
        finished = names_of_finished(dataset)
        contract_server.asked.clear()
        run = labeller.start(dataset, contract_server.url)
        kill_after(run, contract_server, answers - len(finished), chance.uniform(0, 0.1))
        assert labeller.wait() == -signal.SIGKILL
        time.sleep(2 * contract_server.hold)  # what the killed process had sent arrives
        asked_again += repeated(contract_server, finished, dataset)
    finished = names_of_finished(dataset)
    contract_server.asked.clear()
    labeller.start(dataset, contract_server.url)
    assert labeller.wait() == 0
    asked_again += repeated(contract_server, finished, dataset)

    contract_server.hold = 0.0
    labeller.start(undisturbed, contract_server.url)
    assert labeller.wait() == 0
    dataset.reload()
    undisturbed.reload()
    assert contents(dataset) == contents(undisturbed)
    print(f"\n{videos} videos, {kills} kills: {asked_again} asked again, none that was finished")


def kill_after(run, server, answers, moments):
    """Kills when so many were answered in this run, and a few moments later."""
    while len(server.asked) < max(answers, 1):
        time.sleep(0.002)
    time.sleep(moments)
    os.kill(run, signal.SIGKILL)


def names_of_finished(dataset):
    dataset.reload()
    if "molmo2_run" not in dataset.get_field_schema():
        return set()  # killed before anything was declared
    rows = zip(*dataset.values(["filepath", "molmo2_run.status"]), strict=True)
    return {os.path.basename(path) for path, status in rows if status == "ok"}


def repeated(server, finished, dataset):
    """How many videos of a run have to be asked again: those whose answer is not in the dataset.

    None that was finished before was asked, none was asked twice, and no more are lost than were on
    their way from the question to the dataset.
    """
    asked = Counter(server.asked)
    assert not finished & asked.keys()
    assert set(asked.values()) <= {1}
    lost = asked.keys() - names_of_finished(dataset)
    assert len(lost) <= 2 * CONCURRENCY + FLUSH_SAMPLES
    return len(lost)


def contents(dataset):
    """Everything that answers determine, by file: no times, and no ids that are drawn."""
    return {sample.filename: content(sample) for sample in dataset}


def content(sample):
    run = sample.molmo2_run
    operations = [each["operation"] for each in OPERATIONS]
    return {
        "frames": {
            number: [
                [
                    (k.label, k.index, k.points, k.time, "_tracks" in field and k.instance.id)
                    for k in (frame[field].keypoints if frame[field] else [])
                ]
                for field in ("molmo2_points", "molmo2_tracks")
            ]
            for number, frame in sample.frames.items()
        },
        "events": [(e.label, e.support, e.start, e.end) for e in sample.molmo2_events.detections],
        "description": sample.molmo2_description,
        "embedding": sample.molmo2_embedding.tolist(),
        "run": {name: run[name].to_dict() for name in operations},
        "about": (run.status, run.model.to_dict(), run.video.to_dict(), run.request_id),
    }
