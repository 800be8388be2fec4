"""An engine in this process, with the demo model and nothing held."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from molmo2_contract.operations import Embed, GeneratedOperation, Operation
from molmo2_contract.prompts import render
from molmo2_engine.assemble import assemble
from molmo2_engine.generation.grammar import Constraint, Grammar
from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.loop import job as events
from molmo2_engine.prompt.media import VideoFrames
from molmo2_engine.settings import EngineSettings
from molmo2_handler.answers import grammar_of

CHECKPOINT = Path(__file__).parents[1] / "demo" / "checkpoint"


@dataclass(frozen=True)
class Question:
    """Operations about one video, in one request."""

    video: VideoFrames
    operations: list[Operation]


class InProcess:
    """Answers as the engine's process does, without gRPC; one torch thread.

    Answers are greedy, and held to no grammar unless they are to be ``constrained``.
    """

    def __init__(self, *, constrained: bool = False, **settings: float) -> None:
        self._constrained = constrained
        self._assembly = assemble(
            EngineSettings(
                checkpoint=str(CHECKPOINT),
                socket=Path("unused.sock"),
                device="cpu",
                threads=1,
                max_context_tokens=4096,
                cache_tokens=16384,
                **settings,
            )
        )
        self.checkpoint = self._assembly.checkpoint
        self.layout = self._assembly.layout

    def answer(
        self, questions: list[Question], new_tokens: int
    ) -> tuple[float, list[events.Finished]]:
        """Seconds for all of it, and the answers that are text."""
        engine = self._assembly.engine
        jobs = [self._job(question, new_tokens) for question in questions]
        began = time.perf_counter()
        for job in jobs:
            engine.submit(job)
        while not engine.idle:
            engine.step()
        seconds = time.perf_counter() - began
        return seconds, [event for job in jobs for event in _answers(job)]

    def decode_step(
        self, questions: list[Question], steps: int, before: Callable[[], object] = lambda: None
    ) -> float:
        """Seconds of a step in which every operation of the questions gets one token.

        ``before`` is called when all of them run and the clock starts.
        """
        engine = self._assembly.engine
        jobs = [self._job(question, steps + 100) for question in questions]
        for job in jobs:
            engine.submit(job)
        while engine.scheduler.waiting_jobs or engine.scheduler.waiting_sequences:
            engine.step()
        engine.step()
        before()
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
        question = self.layout.question(render(asked))
        return events.Generate(question, SamplingParameters(new_tokens), self._constraint(asked))

    def _constraint(self, asked: GeneratedOperation) -> Constraint | None:
        grammar = grammar_of(asked) if self._constrained else None
        if grammar is None:
            return None
        return self._assembly.grammars.constraint(Grammar(grammar.language, grammar.text))


def _answers(job: events.Job) -> list[events.Finished]:
    found = []
    while not job.events.empty():
        event = job.events.get()
        if isinstance(event, events.Failed):
            raise event.error
        if isinstance(event, events.Finished):
            found.append(event)
    return sorted(found, key=lambda event: event.index)
