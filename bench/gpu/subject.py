"""What is measured: a random checkpoint on a device, videos, and engines over it."""

import sys
import time
from dataclasses import dataclass
from functools import cached_property

import torch
from prometheus_client import CollectorRegistry

from gpu import ceilings, random_checkpoint
from gpu.ceilings import Ceilings
from gpu.shapes import SHAPES, Shape
from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.kv.cache import bytes_per_token
from molmo2_engine.loop.engine import Engine
from molmo2_engine.loop.job import Event, Failed, Finished, Generate, Job
from molmo2_engine.loop.limits import LoopLimits
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.media import VideoFrames

PAGE_TOKENS = 32
FRAMES_AT_ONCE = 16
PROMPT = "Describe this video."
_PART_FOR_PAGES = 0.85
"""Of the memory beside the weights; the rest is for activations and decode graphs."""


@dataclass(frozen=True)
class Subject:
    """One checkpoint; the parts of the benchmark build what they need around it."""

    shape: Shape
    device: torch.device
    dtype: torch.dtype
    small: bool
    """Whether the device is one that the sizes of the ceilings would keep busy for minutes."""

    @classmethod
    def named(cls, shape: str, device: str) -> "Subject":
        """bfloat16 on CUDA, float32 elsewhere."""
        place = torch.device(device)
        on_gpu = place.type == "cuda"
        dtype = torch.bfloat16 if on_gpu else torch.float32
        return cls(SHAPES[shape], place, dtype, small=not on_gpu)

    @cached_property
    def _built(self) -> tuple:
        return random_checkpoint.build(self.shape, self.device, self.dtype)

    @property
    def checkpoint(self):
        return self._built[0]

    @property
    def layout(self):
        return self._built[1]

    @cached_property
    def ceilings(self) -> Ceilings:
        return ceilings.measure(self.device, self.dtype, self.small)

    @property
    def config(self):
        return self.checkpoint.model.config

    def video(self, seed: int) -> VideoFrames:
        """Random frames of a video of the shape's length, on the CPU as a worker sends them."""
        random = torch.Generator().manual_seed(seed)
        size = self.shape.frame_size
        frames = torch.randint(
            0, 256, (self.shape.frames, size, size, 3), generator=random, dtype=torch.uint8
        )
        return VideoFrames([0.5 * i for i in range(self.shape.frames)], frames, ())

    @cached_property
    def question(self) -> list[int]:
        return self.layout.question(PROMPT)

    @cached_property
    def prefix_tokens(self) -> int:
        return len(self.layout.video_prefix(self.video(0).times)[0])

    @property
    def tokens_a_video(self) -> int:
        """Of a video, a question and its answer."""
        return self.prefix_tokens + len(self.question) + self.shape.answer_tokens

    def runner(self, pages: int, *, graph_rows: int = 0, most_tokens: int = 0) -> ModelRunner:
        """With decode graphs of up to ``graph_rows`` sequences, where there is CUDA."""
        runner = ModelRunner(
            self.checkpoint,
            self.layout,
            pages=pages,
            page_tokens=PAGE_TOKENS,
            frames_at_once=FRAMES_AT_ONCE,
        )
        if graph_rows:
            runner.capture_decoding(graph_rows, most_tokens or self.tokens_a_video)
        return runner

    def engine(self, runner: ModelRunner, sequences: int, **others: float) -> Engine:
        limits = LoopLimits(max_sequences=sequences, max_waiting_requests=4096, **others)
        return Engine(runner, frozenset(), limits, Counters(CollectorRegistry()))

    def pages(self, videos: int, questions: int = 1) -> int:
        """That so many videos take, with so many questions and answers about each.

        Fewer where the memory is too small: then some videos wait for others.
        """
        prefix = -(-self.prefix_tokens // PAGE_TOKENS)
        own = -(-(len(self.question) + self.shape.answer_tokens) // PAGE_TOKENS) + 1
        return min(videos * (prefix + questions * own), self._pages_in_memory())

    def _pages_in_memory(self) -> int:
        if self.device.type != "cuda":
            return sys.maxsize
        page = PAGE_TOKENS * bytes_per_token(self.config.text_config, self.dtype)
        free, _ = torch.cuda.mem_get_info(self.device)
        return int(_PART_FOR_PAGES * free / page)

    def job(self, video: VideoFrames, key: int, questions: int = 1, answer: int = 0) -> Job:
        """Greedy answers of ``answer`` tokens, or as long as the shape says."""
        parameters = SamplingParameters(answer or self.shape.answer_tokens)
        return Job(
            key=str(key).encode(),
            prefix_tokens=self.prefix_tokens,
            operations=[Generate(self.question, parameters) for _ in range(questions)],
            media=video,
        )

    def seconds_of(self, engine: Engine, jobs: list[Job]) -> float:
        """Until all jobs, submitted at once, are answered.

        Raises:
            the error of an operation that failed.
        """
        ceilings.wait_for(self.device)
        began = time.perf_counter()
        for job in jobs:
            engine.submit(job)
        while not engine.idle:
            engine.step()
        ceilings.wait_for(self.device)
        seconds = time.perf_counter() - began
        for job in jobs:
            for event in _events(job):
                if isinstance(event, Failed):
                    raise event.error
                if isinstance(event, Finished):
                    assert len(event.tokens) == self.shape.answer_tokens
        return seconds


def _events(job: Job) -> list[Event]:
    found = []
    while not job.events.empty():
        found.append(job.events.get())
    return found
