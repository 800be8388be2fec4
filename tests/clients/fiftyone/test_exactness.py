"""Every stored label against the response that it came from and the file that it is about.

The truth is computed here from the seconds of the response and from the frames that are decoded
from the file; nothing of the client takes part in it, and no frame number of the response.
"""

import random
from collections import Counter
from fractions import Fraction
from itertools import accumulate

import av
import fiftyone as fo
import pytest
from small_videos import render

from molmo2_client import Molmo2
from molmo2_client.fiftyone import label_dataset

RATES = [Fraction(10), Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30), None]
"""Frames a second; None for lengths that vary from frame to frame."""

OPERATIONS = [
    {"operation": "pointing", "prompt": "nose"},
    {"operation": "tracking", "prompt": "hand"},
    {"operation": "temporal_localization"},
]


@pytest.fixture(params=[40, pytest.param(200, marks=pytest.mark.slow)])
def dataset(request, database, tmp_path):
    """Small videos of up to 4 s; each has two clips that may overlap."""
    dataset = fo.Dataset()
    for number in range(request.param):
        chance = random.Random(number)
        path = render(tmp_path / f"{number:03d}.mp4", begins(RATES[number % len(RATES)], chance))
        count = len(decoded(path)) - 1
        dataset.add_sample(fo.Sample(filepath=str(path), parts=parts(count, chance)))
    yield dataset
    dataset.delete()


def begins(rate, chance):
    count = chance.randint(3, int(4 * (rate or 15)))
    lengths = [1 / rate if rate else Fraction(chance.randint(1, 12), 60) for _ in range(count)]
    return [Fraction(0), *accumulate(lengths)]


def parts(count, chance):
    supports = [sorted(chance.choices(range(1, count + 1), k=2)) for _ in range(2)]
    detections = [
        fo.TemporalDetection(label=str(number), support=support)
        for number, support in enumerate(supports)
    ]
    return fo.TemporalDetections(detections=detections)


def decoded(path):
    """When each decoded frame is shown first, and when the last one no longer is."""
    with av.open(str(path)) as container:
        frames = [
            (f.pts * f.time_base, f.duration * f.time_base) for f in container.decode(video=0)
        ]
    starts = [start - frames[0][0] for start, _ in frames]
    return [*starts, starts[-1] + frames[-1][1]]


def shown_at(starts, seconds):
    """The 1-based number of the frame on display, the last one's at the end."""
    return max(n for n, start in enumerate(starts[:-1], 1) if start <= max(Fraction(seconds), 0))


def expected(response, starts):
    """Counters of the points, the positions of each track, and the events, from seconds alone."""
    points, tracks, events = (result for result in response.results)

    def place(position):
        return (shown_at(starts, position.time), position.x, position.y, position.time)

    return (
        Counter(place(point) for point in points.points),
        Counter(frozenset(map(place, track.points)) for track in tracks.tracks if track.points),
        Counter(
            (event.description, shown_at(starts, event.start), shown_at(starts, event.end))
            for event in events.events
        ),
    )


def stored(sample, frames, clip=None):
    """The same from the dataset: points, positions of each instance, events."""
    points, tracks = Counter(), {}
    for number, frame in frames.items():
        for keypoint in own(frame.molmo2_points, clip):
            ((x, y),) = keypoint.points
            points[number, x, y, keypoint.time] += 1
        for keypoint in own(frame.molmo2_tracks, clip):
            ((x, y),) = keypoint.points
            place = (number, x, y, keypoint.time)
            tracks.setdefault(keypoint.instance.id, set()).add(place)
    events = Counter((e.label, *e.support) for e in sample.molmo2_events.detections)
    return points, Counter(map(frozenset, tracks.values())), events


def own(label, clip):
    keypoints = label.keypoints if label else []
    return [k for k in keypoints if (k.clip if k.has_field("clip") else None) == clip]


def test_every_label_is_on_its_frame(dataset, contract_server):
    compared = Counter()
    clips = dataset.to_clips("parts")
    with Molmo2(contract_server.url, media="path") as client:
        for view in (dataset, clips):
            summary = label_dataset(view, OPERATIONS, client=client, progress=False)
            assert summary.failed == 0, str(summary)

    dataset.reload()
    files = {path: decoded(path) for path in dataset.values("filepath")}
    responses = {}
    for (name, _, _), response in contract_server.responses.items():
        responses.setdefault(name, []).append(response)
    for sample in dataset:
        starts = files[sample.filepath]
        whole = stored(sample, sample.frames)
        response = contract_server.responses[sample.filename, 0.0, None]
        assert whole == expected(response, starts)
        assert max(sample.frames) <= len(starts) - 1
        count(compared, whole)
    for clip in clips:
        starts = files[clip.filepath]
        first, last = clip.support
        name = f"{first}-{last}"
        frames = dataset[clip.sample_id].frames
        response = answer_about(clip, responses[clip.filename], starts)
        points, tracks, events = expected(response, starts)
        events = Counter(
            (label, max(start, first), min(end, last))
            for label, start, end in events
            if start <= last and end >= first
        )
        assert stored(clip, frames, name) == (points, tracks, events)
        assert all(first <= frame <= last for frame, *_ in points)
        count(compared, (points, tracks, events))
    print(f"\n{len(dataset)} videos, {len(clips)} clips: {dict(compared)}")
    assert compared["points"] > 10 * len(dataset)


def answer_about(clip, responses, starts):
    """The response whose frames, by their seconds, begin and end with the clip."""
    found = [
        response
        for response in responses
        if [shown_at(starts, response.video.sampled.times[i]) for i in (0, -1)] == clip.support
    ]
    assert found, f"nothing was asked about frames {clip.support} of {clip.filepath}"
    return found[0]


def count(compared, labels):
    compared.update(
        dict(zip(["points", "instances", "events"], map(Counter.total, labels), strict=True))
    )
