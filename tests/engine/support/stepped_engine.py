"""An engine that a test steps by hand, and what it says of a job."""

import queue

from prometheus_client import CollectorRegistry

from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.loop.engine import Engine
from molmo2_engine.loop.job import Embed, Finished, Generate, Job
from molmo2_engine.loop.limits import LoopLimits
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.media import VideoFrames

NEW_TOKENS = 16
PROMPTS = ["Point to the penguins.", "Track the red car.", "How many?", "Describe this video."]


class SteppedEngine:
    """An engine that a test steps by hand."""

    def __init__(self, checkpoint, layout, *, page_tokens=16, tokens=1600, **limits):
        self.layout = layout
        self.runner = ModelRunner(
            checkpoint,
            layout,
            pages=tokens // page_tokens,
            page_tokens=page_tokens,
            frames_at_once=4,
        )
        self.registry = CollectorRegistry()
        self.engine = Engine(
            self.runner,
            checkpoint.end_tokens,
            LoopLimits(**{"max_sequences": 3, "tokens_per_progress": 4, **limits}),
            Counters(self.registry),
        )

    def job(self, video, prompts, *, embed=(), send=True, new_tokens=NEW_TOKENS, **parameters):
        operations = [
            Generate(self.layout.question(prompt), SamplingParameters(new_tokens, **parameters))
            for prompt in prompts
        ]
        return Job(
            key=video.key,
            prefix_tokens=len(self.layout.video_prefix(video.times)[0]),
            operations=[*operations, *(Embed(pooling) for pooling in embed)],
            media=VideoFrames(video.times, video.frames, (7,)) if send else None,
        )

    def finish(self):
        while not self.engine.idle:
            self.engine.step()


def events(job):
    found = []
    while True:
        try:
            found.append(job.events.get_nowait())
        except queue.Empty:
            return found


def is_answer(event):
    return isinstance(event, Finished)


def answers(job):
    return {e.index: e.tokens for e in events(job) if isinstance(e, Finished)}


def longest_request(layout, expected):
    """Tokens of the longest video, the longest question and its answer."""
    video = max(len(layout.video_prefix(clip.times)[0]) for clip, _ in expected)
    return video + max(len(layout.question(prompt)) for prompt in PROMPTS) + NEW_TOKENS
