"""Answers held to grammars, in a batch with others that are free."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stepped_engine import SteppedEngine, events
from transformers import LogitsProcessor

from molmo2_contract.errors import ErrorKind
from molmo2_engine.admission import Admission
from molmo2_engine.generation.grammar import Grammar
from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.loop.job import Failed, Finished, Generate, Job, Progressed
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.media import VideoFrames
from molmo2_engine.wire import engine_pb2 as wire

NEW_TOKENS = 64
PROMPT = "Point to the penguins."

POINTS = Grammar(
    "lark",
    r"""
    start: "There are none." | "<points coords=\"" STEP (";" STEP){0,3} "\">" LABEL "</points>"
    STEP: /[0-9]\.[0-9]( [1-9] [0-9]{3} [0-9]{3}){1,2}/
    LABEL: /[a-z]{1,6}/
    """,
)
EVENT = Grammar(
    "json_schema",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "start": {"type": "string", "pattern": "^[0-9]{2}:[0-5][0-9]$"},
                "colours": {"type": "array", "items": {"enum": ["red", "green"]}, "maxItems": 2},
            },
            "required": ["start", "colours"],
            "additionalProperties": False,
        }
    ),
)
WORDS = Grammar("json_schema", '{"type": "string", "maxLength": 9}')
GRAMMARS = [None, POINTS, EVENT, WORDS]
TOO_COSTLY = Grammar(
    "json_schema",
    json.dumps({"type": "object", "properties": {f"p{i}": {"type": "null"} for i in range(800)}}),
)


class Stepped(SteppedEngine):
    """Its jobs ask one question, each time held to another grammar."""

    def __init__(self, checkpoint, layout, grammars, **limits):
        super().__init__(checkpoint, layout, **{"max_sequences": 16, **limits})
        self._grammars = grammars

    def job(self, video, asked, *, new_tokens=NEW_TOKENS, progress=False, **parameters):
        question = self.layout.question(PROMPT)
        return Job(
            key=video.key,
            prefix_tokens=len(self.layout.video_prefix(video.times)[0]),
            operations=[
                Generate(
                    question,
                    SamplingParameters(new_tokens, **parameters),
                    grammar and self._grammars.constraint(grammar),
                )
                for grammar in asked
            ],
            media=VideoFrames(video.times, video.frames, ()),
            progress=progress,
        )

    def answer(self, *jobs):
        """The last event of each operation, job by job."""
        for job in jobs:
            assert self.engine.submit(job)
        self.finish()
        return [last_events(job) for job in jobs]


def last_events(job):
    ends = [event for event in events(job) if isinstance(event, Finished | Failed)]
    return sorted(ends, key=lambda event: event.index)


@pytest.fixture
def stepped(checkpoint, layout, grammars):
    return Stepped(checkpoint, layout, grammars)


class Masked(LogitsProcessor):
    """Holds transformers' ``generate`` to a grammar, one token a step."""

    def __init__(self, constraint, end_tokens):
        self._matcher = constraint.matcher
        self._end_tokens = list(end_tokens)
        self._begun = False

    def __call__(self, input_ids, scores):
        if self._begun:
            self._matcher.consume_token(int(input_ids[0, -1]))
        self._begun = True
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        allowed = np.unpackbits(bits, bitorder="little")[: scores.shape[-1]].astype(bool)
        return scores.masked_fill(~torch.from_numpy(allowed), -torch.inf)


@pytest.fixture(scope="session")
def expected(reference, video, grammars, checkpoint):
    """transformers' greedy tokens for two videos under every grammar, without skipping any."""

    def tokens(clip, grammar):
        inputs = reference.inputs(clip, PROMPT)
        if grammar is None:
            return reference.generate(inputs, NEW_TOKENS)
        masked = Masked(grammars.constraint(grammar), checkpoint.end_tokens)
        return reference.generate(inputs, NEW_TOKENS, logits_processor=[masked])

    clips = [video(1, 3), video(2, 9)]
    return [(clip, [tokens(clip, grammar) for grammar in GRAMMARS]) for clip in clips]


arrivals = st.lists(
    st.tuples(
        st.integers(0, 12),  # the step at which the request arrives
        st.integers(0, 1),  # its video
        st.lists(st.integers(0, len(GRAMMARS) - 1), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    arrivals=arrivals,
    page_tokens=st.sampled_from([1, 7, 32]),
    tokens=st.sampled_from([340, 1600]),
    max_sequences=st.integers(1, 6),
)
def test_tokens_equal_those_of_generate_with_the_same_masks_and_no_skipping(
    checkpoint, layout, grammars, expected, arrivals, page_tokens, tokens, max_sequences
):
    stepped = Stepped(
        checkpoint,
        layout,
        grammars,
        page_tokens=page_tokens,
        tokens=tokens,
        max_sequences=max_sequences,
    )
    jobs, step = [], 0
    while len(jobs) < len(arrivals) or not stepped.engine.idle:
        for _, clip, asked in [a for a in arrivals if a[0] == step]:
            job = stepped.job(expected[clip][0], [GRAMMARS[i] for i in asked])
            assert stepped.engine.submit(job)
            jobs.append((job, clip, asked))
        stepped.engine.step()
        step += 1
    for job, clip, asked in jobs:
        assert [event.tokens for event in last_events(job)] == [expected[clip][1][i] for i in asked]


@pytest.fixture
def passes(stepped, monkeypatch):
    """How many tokens each sequence read, pass by pass."""
    read, extend = [], ModelRunner.extend

    def recorded(runner, tables, tokens):
        read.append([len(row) for row in tokens])
        return extend(runner, tables, tokens)

    monkeypatch.setattr(ModelRunner, "extend", recorded)
    return read


def test_alone_an_answer_reads_its_forced_text_in_one_pass(stepped, video, passes):
    ((event,),) = stepped.answer(stepped.job(video(1, 3), [EVENT]))
    forced = [row for (row,) in passes[1:] if row > 1]
    assert forced
    assert len(passes) < len(event.tokens)
    assert sum(row for (row,) in passes[1:]) <= len(event.tokens)


def test_in_company_short_forced_text_is_read_a_token_a_step(stepped, video, passes):
    word = Grammar("lark", r'start: ("a" | "b") ("zx" | "zy") ("q" | "r")')
    stepped.answer(stepped.job(video(1, 3), [word, None, None, None, None]))
    assert max(passes[0]) > 1
    assert {count for rows in passes[1:] for count in rows} == {1}
    assert len(passes[1]) == 5


def test_forced_text_of_many_is_read_in_one_pass_with_those_that_have_some(stepped, video, passes):
    asked = [EVENT, EVENT, EVENT, None]
    stepped.answer(stepped.job(video(1, 3), asked))
    _, forced, others, *_ = passes
    assert len(forced) == 3
    assert min(forced) > 1
    assert others == [1]


def text_of(checkpoint, event):
    return checkpoint.tokenizer.decode(event.tokens)


def test_an_answer_ends_when_its_grammar_does(checkpoint, stepped, video):
    ((event,),) = stepped.answer(stepped.job(video(1, 3), [EVENT]))
    assert not event.truncated
    assert set(json.loads(text_of(checkpoint, event))) == {"start", "colours"}
    assert not checkpoint.end_tokens & set(event.tokens)


def test_an_answer_that_can_only_be_one_text_takes_one_pass(checkpoint, stepped, video):
    only = Grammar("json_schema", '{"const": "the one answer that there is"}')
    job = stepped.job(video(1, 3), [only])
    stepped.engine.submit(job)
    steps = 0
    while not stepped.engine.idle:
        stepped.engine.step()
        steps += 1
    (event,) = last_events(job)
    assert text_of(checkpoint, event) == '"the one answer that there is"'
    assert (event.truncated, steps) == (False, 1)


@pytest.mark.parametrize("new_tokens", [1, 2, 5])
def test_a_limit_inside_forced_text_cuts_it(checkpoint, stepped, video, new_tokens):
    only = Grammar("json_schema", '{"const": "the one answer that there is"}')
    ((event,),) = stepped.answer(stepped.job(video(1, 3), [only], new_tokens=new_tokens))
    assert (len(event.tokens), event.truncated) == (new_tokens, True)
    assert '"the one answer that there is"'.startswith(text_of(checkpoint, event))


def test_a_grammar_that_ends_with_the_last_token_is_not_cut(checkpoint, stepped, video):
    ((whole,),) = stepped.answer(stepped.job(video(1, 3), [EVENT]))
    limit = len(whole.tokens)
    ((event,),) = stepped.answer(stepped.job(video(1, 3), [EVENT], new_tokens=limit))
    assert (event.tokens, event.truncated) == (whole.tokens, False)
    ((event,),) = stepped.answer(stepped.job(video(1, 3), [EVENT], new_tokens=limit - 1))
    assert (event.tokens, event.truncated) == (whole.tokens[:-1], True)


def test_sampled_answers_keep_to_the_grammar_and_repeat(checkpoint, stepped, video):
    def sampled(seed):
        job = stepped.job(video(1, 3), [EVENT] * 3, temperature=2.0, seed=seed)
        return [text_of(checkpoint, event) for event in stepped.answer(job)[0]]

    texts = sampled(1)
    assert all(set(json.loads(text)) == {"start", "colours"} for text in texts)
    assert sampled(1) == texts
    assert sampled(2) != texts


def test_a_grammar_that_fails_ends_its_own_sequence(checkpoint, stepped, video, expected):
    clip, tokens = expected[0]
    job = stepped.job(clip, [None, TOO_COSTLY, POINTS])
    (events,) = stepped.answer(job)
    assert isinstance(events[1], Failed)
    assert events[1].error.kind is ErrorKind.INVALID_REQUEST
    assert "json_schema" in events[1].error.message
    assert [events[0].tokens, events[2].tokens] == [tokens[0], tokens[1]]


def test_progress_is_told_though_forced_text_skips_over_its_steps(stepped, video):
    job = stepped.job(video(1, 3), [EVENT], progress=True)
    stepped.engine.submit(job)
    while not stepped.engine.idle:
        stepped.engine.step()
    found = events(job)
    told = [len(event.tokens) for event in found if isinstance(event, Progressed)]
    assert len(told) > 2
    assert told == sorted(set(told))
    assert any(count % 4 for count in told)


def ask(*generations):
    video = wire.Video(key=b"v", times=[0.0])
    return wire.AnswerRequest(
        video=video, operations=[wire.Operation(generation=g) for g in generations]
    )


def test_a_schema_that_cannot_be_compiled_is_refused_alone(layout, grammars):
    admission = Admission(layout, grammars, max_video_tokens=600, max_context_tokens=640)
    asked = {"prompt": "x", "max_new_tokens": 4}
    job = admission.job(
        ask(
            wire.Generation(**asked, json_schema='{"type": "integer"}'),
            wire.Generation(**asked, json_schema='{"type": "array", "uniqueItems": true}'),
            wire.Generation(**asked, lark='start: "a"'),
            wire.Generation(**asked),
        )
    )
    well, refused, lark, free = job.operations
    assert well.constraint is not None
    assert lark.constraint is not None
    assert free.constraint is None
    assert refused.error.kind is ErrorKind.INVALID_REQUEST
    assert refused.error.field == "operations[1].json_schema"
    assert "uniqueItems" in refused.error.message
