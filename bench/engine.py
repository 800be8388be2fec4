"""The engine on a CPU with the demo model, beside transformers' ``generate`` in the same run.

    make bench

Videos are rendered, decoded and sampled before anything is timed. Everything runs in this process
with one torch thread, in rounds that take turns; medians count. The last line is one JSON object.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch
from grammar_cost import grammar_cost
from in_process import InProcess, Question
from with_generate import WithGenerate

from molmo2_contract.operations import Describe, Pointing, TemporalLocalization, Tracking
from molmo2_contract.prompts import render
from molmo2_contract.video import Video
from molmo2_demo.generate import generate, operations
from molmo2_engine.prompt.media import VideoFrames
from molmo2_handler.video import VideoLimits, open_video

VIDEOS, NEW_TOKENS = 4, 96
PAGES = (8, 16, 32, 64, 128)
MIXED = [
    Pointing(prompt="shapes"),
    Tracking(prompt="shapes"),
    Describe(prompt="Describe this video in detail."),
    TemporalLocalization(),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    rounds = range(parser.parse_args().rounds)
    videos = sampled(InProcess().layout.frame_format.size)
    together, one_by_one = median(both_ways(videos) for _ in rounds)
    first, second = median(first_tokens(videos) for _ in rounds)
    in_one, apart = median(six_operations(videos[0]) for _ in rounds)
    step, in_grammars = median(grammar_cost(videos) for _ in rounds)
    rows = [
        ("16 operations on 4 videos, together", together),
        ("the same with generate, one by one", one_by_one),
        ("first token of a video's first operation", first),
        ("first token of its second operation, later", second),
        ("six operations in one request", in_one),
        ("six requests, each on a fresh engine", apart),
        ("a step of 16 sequences under grammars", step),
        ("of which masks are found and tokens taken in", in_grammars),
    ]
    by_page = median(page_sizes(videos) for _ in rounds)
    rows += [
        (f"a step of 16 sequences, pages of {n}", t) for n, t in zip(PAGES, by_page, strict=True)
    ]
    for name, seconds in rows:
        print(f"{name:46}{seconds * 1000:9.1f} ms")
    figures = {
        "batch_speedup": one_by_one / together,
        "second_operation_ttft_ratio": second / first,
        "six_in_one_ratio": in_one / apart,
        "grammar_step_share": in_grammars / step,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def median(rounds) -> list[float]:
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def sampled(size: int) -> list[VideoFrames]:
    """Rendered videos as a request worker hands them to the engine."""
    with tempfile.TemporaryDirectory() as folder:
        limits = VideoLimits(allowed_roots=(Path(folder),))
        frames = []
        for video in generate(Path(folder), VIDEOS, seed=5):
            with open_video(Video(uri=video.path.as_uri()), None, limits) as opened:
                images = torch.from_numpy(opened.frames(size).images)
                frames.append(VideoFrames(list(opened.info.sampled.times), images, ()))
        return frames


def both_ways(videos: list[VideoFrames]) -> tuple[float, float]:
    """Seconds for every mixed operation on every video, for the same tokens."""
    engine = InProcess()
    peer = WithGenerate(engine.checkpoint, engine.layout)
    questions = [engine.layout.question(render(operation)) for operation in MIXED]
    seconds, answers = engine.answer([Question(video, MIXED) for video in videos], NEW_TOKENS)
    began = time.perf_counter()
    expected = [peer.answer(video, q, NEW_TOKENS) for video in videos for q in questions]
    assert [answer.tokens for answer in answers] == expected
    return seconds, time.perf_counter() - began


def first_tokens(videos: list[VideoFrames]) -> tuple[float, float]:
    """Seconds to the first token of an operation on each video, and later of another on it."""
    engine = InProcess()
    waited = [
        [
            answer.queued + answer.prefill
            for video in videos
            for answer in engine.answer([Question(video, [operation])], 2)[1]
        ]
        for operation in MIXED[:2]
    ]
    return statistics.mean(waited[0]), statistics.mean(waited[1])


def page_sizes(videos: list[VideoFrames]) -> list[float]:
    """Seconds of a decode step with KV pages of each size."""
    questions = [Question(video, MIXED) for video in videos]
    engines = (InProcess(page_tokens=tokens, decode_share=0) for tokens in PAGES)
    return [engine.decode_step(questions, 5) for engine in engines]


def six_operations(video: VideoFrames) -> tuple[float, float]:
    """Seconds for all six in one request, and the sum of six requests to fresh engines."""
    asked = operations("shapes")
    together, _ = InProcess().answer([Question(video, asked)], NEW_TOKENS)
    apart = [InProcess().answer([Question(video, [one])], NEW_TOKENS)[0] for one in asked]
    return together, sum(apart)


if __name__ == "__main__":
    main()
