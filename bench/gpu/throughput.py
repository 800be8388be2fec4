"""Videos a second: all in flight at once, against one by one with ``generate``."""

import statistics
import time

from with_generate import WithGenerate

from gpu.ceilings import wait_for
from gpu.subject import PROMPT, Subject

FIVE = 5


def measure(subject: Subject) -> dict[str, float]:
    """The zoo's model encodes, prefills and decodes a video anew for each of five operations."""
    videos = subject.shape.videos
    one_by_one = _with_generate(subject)
    runner = subject.runner(subject.pages(videos, FIVE), graph_rows=FIVE * videos)
    one = _videos_a_second(subject, runner, 1)
    five = _videos_a_second(subject, runner, FIVE)
    tokens = subject.shape.answer_tokens
    print(f"videos a second, answers of {tokens} tokens, {videos} videos in flight")
    print(f"{'operations':>10} {'engine':>9} {'generate':>9} {'ratio':>7}")
    figures = {
        "distinct_speedup": (1, one, 1 / one_by_one),
        "five_operations_speedup": (FIVE, five, 1 / one_by_one / FIVE),
    }
    for operations, engine, generate in figures.values():
        print(f"{operations:>10} {engine:>9.3f} {generate:>9.4f} {engine / generate:>7.1f}")
    return {name: engine / generate for name, (_, engine, generate) in figures.items()}


def _videos_a_second(subject: Subject, runner, questions: int) -> float:
    videos = subject.shape.videos
    engine = subject.engine(runner, videos * questions)
    warm = subject.job(subject.video(0), -1, questions)
    subject.seconds_of(engine, [warm])
    jobs = [subject.job(subject.video(key), key, questions) for key in range(videos)]
    return videos / subject.seconds_of(engine, jobs)


def _with_generate(subject: Subject) -> float:
    """Seconds a question: the median of two, after a short one that does not count."""
    peer = WithGenerate(subject.checkpoint, subject.layout)
    question = subject.layout.question(PROMPT)
    peer.answer(subject.video(0), question, 2)
    seconds = []
    for seed in range(2):
        video = subject.video(seed)
        wait_for(subject.device)
        began = time.perf_counter()
        peer.answer(video, question, subject.shape.answer_tokens)
        wait_for(subject.device)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
