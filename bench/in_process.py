"""An engine in this process, with the demo model and nothing held."""

import time
from dataclasses import dataclass
from pathlib import Path

from molmo2_contract.operations import Embed, Operation
from molmo2_contract.prompts import render
from molmo2_engine import job as events
from molmo2_engine.assemble import assemble
from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.prompt.media import VideoFrames
from molmo2_engine.settings import EngineSettings

CHECKPOINT = Path(__file__).parents[1] / "demo" / "checkpoint"


@dataclass(frozen=True)
class Question:
    """Operations about one video, in one request."""

    video: VideoFrames
    operations: list[Operation]


class InProcess:
    """Answers as the engine's process does, without gRPC; one torch thread."""

    def __init__(self, page_tokens: int | None = None) -> None:
        chosen = {} if page_tokens is None else {"page_tokens": page_tokens}
        self._assembly = assemble(
            EngineSettings(
                checkpoint=str(CHECKPOINT),
                socket=Path("unused.sock"),
                device="cpu",
                threads=1,
                max_context_tokens=4096,
                cache_tokens=16384,
                **chosen,
            )
        )
        self.checkpoint = self._assembly.checkpoint
        self.layout = self._assembly.layout

    def answer(
        self, questions: list[Question], new_tokens: int
    ) -> tuple[float, list[events.Finished]]:
        """Seconds for all of it, and the answers that are text, greedy and without a grammar."""
        engine = self._assembly.engine
        jobs = [self._job(question, new_tokens) for question in questions]
        began = time.perf_counter()
        for job in jobs:
            engine.submit(job)
        while not engine.idle:
            engine.step()
        seconds = time.perf_counter() - began
        return seconds, [event for job in jobs for event in _answers(job)]

    def decode_step(self, questions: list[Question], steps: int) -> float:
        """Seconds of a step in which every operation of the questions gets one token."""
        engine = self._assembly.engine
        jobs = [self._job(question, steps + 100) for question in questions]
        for job in jobs:
            engine.submit(job)
        while engine.scheduler.waiting_jobs or engine.scheduler.waiting_sequences:
            engine.step()
        engine.step()
        began = time.perf_counter()
        for _ in range(steps):
            engine.step()
        seconds = (time.perf_counter() - began) / steps
        for job in jobs:
            job.cancel()
        engine.step()
        return seconds

    def _job(self, question: Question, new_tokens: int) -> events.Job:
        return events.Job(
            key=str(id(question.video)).encode(),
            prefix_tokens=len(self.layout.video_prefix(question.video.times)[0]),
            operations=[self._operation(asked, new_tokens) for asked in question.operations],
            media=question.video,
        )

    def _operation(self, asked: Operation, new_tokens: int) -> events.Generate | events.Embed:
        if isinstance(asked, Embed):
            return events.Embed(asked.pooling.value)
        return events.Generate(self.layout.question(render(asked)), SamplingParameters(new_tokens))


def _answers(job: events.Job) -> list[events.Finished]:
    found = []
    while not job.events.empty():
        event = job.events.get()
        if isinstance(event, events.Failed):
            raise event.error
        if isinstance(event, events.Finished):
            found.append(event)
    return sorted(found, key=lambda event: event.index)
