"""The step that is captured on a GPU, called here without capturing it."""

import copy

import pytest
import torch

from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.static_step import StaticStep
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model.decode_graphs import DecodeGraph, buckets
from molmo2_engine.model.fused_text import FusedText
from molmo2_engine.model.kernels import operations as kernels
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.media import VideoFrames

PAGE_TOKENS = 8
PROMPTS = ["Point to the penguins.", "How many?", "Track the red car."]


class Running:
    """Sequences that have read their questions, and the first token of each."""

    def __init__(self, checkpoint, layout, clip):
        self.runner = ModelRunner(
            checkpoint, layout, pages=40, page_tokens=PAGE_TOKENS, frames_at_once=4
        )
        pool = PagePool(40, PAGE_TOKENS)
        tokens = len(layout.video_prefix(clip.times)[0])
        media = VideoFrames(clip.times, clip.frames, ())
        prefix = self.runner.prefill_media(clip.key, media, pool.take(pool.needed(tokens)))
        questions = [layout.question(prompt) for prompt in PROMPTS]
        self.tables = [PageTable(prefix, pool, self.runner.cache) for _ in questions]
        for table, question in zip(self.tables, questions, strict=True):
            table.grow(len(question))
        self.tokens = self.runner.extend(self.tables, questions).argmax(-1).tolist()

    def go_on(self, decode, steps):
        """The tokens of each step; the last sequence leaves after the first two."""
        written = []
        for number in range(steps):
            if number == 2:
                self.tables.pop()
                self.tokens.pop()
            for table in self.tables:
                table.grow(1)
            self.tokens = decode(self.tables, self.tokens).argmax(-1).tolist()
            written.append(self.tokens)
        return written


@torch.inference_mode()
def test_a_static_step_gives_the_tokens_of_a_plain_one(checkpoint, layout, video):
    clip = video(2, 3)
    plain, static = (Running(checkpoint, layout, clip) for _ in range(2))

    def extend(tables, tokens):
        return plain.runner.extend(tables, [[token] for token in tokens])

    text = FusedText(copy.deepcopy(checkpoint.model), kernels)
    step = StaticStep(static.runner.cache, rows=4, pages_a_row=20)
    graph = DecodeGraph(checkpoint.model.get_input_embeddings(), text, step)

    def decode(tables, tokens):
        logits = graph(tables, tokens)
        for table in tables:
            table.tokens += 1
        return logits

    expected = plain.go_on(extend, 4)
    assert static.go_on(decode, 4) == expected
    assert len({token for tokens in expected for token in tokens}) > 3


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1, [1]), (3, [1, 2, 3]), (8, [1, 2, 4, 8]), (20, [1, 2, 4, 8, 16, 20])],
)
def test_there_is_a_bucket_for_few_and_for_the_most(most, expected):
    assert buckets(most) == expected
