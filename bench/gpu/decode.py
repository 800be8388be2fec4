"""A decode step of one sequence and of many, against reading weights and pages once."""

import statistics
import time

from with_generate import WithGenerate

from gpu import counts
from gpu.ceilings import wait_for
from gpu.subject import PAGE_TOKENS, PROMPT, Subject
from molmo2_engine.loop.engine import Engine

_LONGER = 5
"""Times the answer's tokens that a sequence may write."""


def measure(subject: Subject) -> dict[str, float]:
    """Each batch is of distinct videos; a step is everything between two tokens."""
    batches = (1, subject.shape.batch)
    spare = max(batches) * _LONGER * subject.shape.answer_tokens // PAGE_TOKENS
    runner = subject.runner(
        subject.pages(max(batches)) + spare,
        graph_rows=max(batches),
        most_tokens=subject.tokens_a_video + _LONGER * subject.shape.answer_tokens,
    )
    bandwidth = subject.ceilings.bandwidth
    print(
        f"{'sequences':>9} {'step ms':>9} {'must read GB':>13} {'of bandwidth':>13} {'tokens/s':>9}"
    )
    ratios = []
    for rows in batches:
        seconds, tokens = _step(subject, subject.engine(runner, rows), rows)
        read = counts.step_bytes(subject.config, tokens, subject.dtype.itemsize)
        ratios.append(read / bandwidth / seconds)
        row = f"{rows:>9} {seconds * 1000:>9.2f} {read / 1e9:>13.3f} {ratios[-1]:>13.3f}"
        print(f"{row} {rows / seconds:>9.0f}")
    print(f"generate: {_generate_step(subject) * 1000:.2f} ms a token of one sequence")
    return {"decode_roofline_1": ratios[0], "decode_roofline_16": ratios[1]}


def _step(subject: Subject, engine: Engine, rows: int) -> tuple[float, int]:
    """Median seconds of steps in which each sequence got a token, and the tokens that all hold."""
    answer = subject.shape.answer_tokens
    for key in range(rows):
        # Those that start earlier write more, so that all run while the steps are timed.
        engine.submit(subject.job(subject.video(key), key, answer=_LONGER * answer))
    while engine.scheduler.waiting_jobs or engine.scheduler.waiting_sequences:
        engine.step()
    engine.step()
    seconds = []
    for _ in range(answer - 1):
        wait_for(subject.device)
        began = time.perf_counter()
        engine.step()
        wait_for(subject.device)
        seconds.append(time.perf_counter() - began)
    assert len(engine.batch) == rows
    tokens = sum(sequence.table.tokens for sequence in engine.batch.running) - rows * answer // 2
    for sequence in engine.batch.running:
        sequence.job.cancel()
    engine.step()
    return statistics.median(seconds), tokens


def _generate_step(subject: Subject) -> float:
    """Seconds a token, from answers of two lengths."""
    peer = WithGenerate(subject.checkpoint, subject.layout)
    video, question = subject.video(0), subject.layout.question(PROMPT)
    seconds = []
    for tokens in (2, 2, 10):
        wait_for(subject.device)
        began = time.perf_counter()
        peer.answer(video, question, tokens)
        wait_for(subject.device)
        seconds.append(time.perf_counter() - began)
    return (seconds[2] - seconds[1]) / 8
