"""What the engine promises about answers, whatever company they are computed in."""

import itertools
import queue

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from molmo2_contract.errors import InternalError, Overloaded
from molmo2_engine.engine import Engine
from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.job import Embed, Embedded, Failed, Finished, Generate, Job, Opened
from molmo2_engine.limits import LoopLimits
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.media import VideoFrames

NEW_TOKENS = 16
PROMPTS = ["Point to the penguins.", "Track the red car.", "How many?", "Describe this video."]


class Bench:
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


@pytest.fixture
def bench(checkpoint, layout):
    return Bench(checkpoint, layout)


@pytest.fixture(scope="session")
def expected(reference, video):
    """transformers' greedy tokens for four videos and every prompt."""
    clips = [video(seed, count) for seed, count in enumerate((9, 3, 14, 1))]
    return [
        (clip, {prompt: reference.greedy(clip, prompt, NEW_TOKENS) for prompt in PROMPTS})
        for clip in clips
    ]


def test_answers_vary_so_that_equality_means_something(expected):
    distinct = {tuple(tokens) for _, by_prompt in expected for tokens in by_prompt.values()}
    assert len(distinct) > 8


arrivals = st.lists(
    st.tuples(
        st.integers(0, 12),  # the step at which the request arrives
        st.integers(0, 3),  # its video
        st.lists(st.sampled_from(PROMPTS), min_size=1, max_size=3),
        st.none() | st.integers(0, 10),  # steps until its caller gives up
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    arrivals=arrivals,
    page_tokens=st.sampled_from([1, 7, 16, 64]),
    spare=st.integers(0, 400),
    limits=st.fixed_dictionaries(
        {
            "max_sequences": st.integers(1, 5),
            "max_step_tokens": st.sampled_from([1, 60, 4096]),
            "decode_share": st.sampled_from([0.0, 5.0]),
        }
    ),
)
def test_greedy_tokens_equal_generates_in_any_company(
    checkpoint, layout, expected, arrivals, page_tokens, spare, limits
):
    least = longest_request(layout, expected) + 2 * page_tokens
    bench = Bench(checkpoint, layout, page_tokens=page_tokens, tokens=least + spare, **limits)
    jobs, cancels = [], []
    for step in itertools.count():
        for _, clip, prompts, patience in [a for a in arrivals if a[0] == step]:
            job = bench.job(expected[clip][0], prompts)
            assert bench.engine.submit(job)
            jobs.append((job, clip, prompts, patience))
            cancels += [(step + patience, job)] if patience is not None else []
        for _, job in [c for c in cancels if c[0] == step]:
            job.cancel()
        bench.engine.step()
        if len(jobs) == len(arrivals) and bench.engine.idle:
            break
    for job, clip, prompts, patience in jobs:
        found = answers(job)
        assert patience is not None or len(found) == len(prompts)
        assert found == {i: expected[clip][1][prompts[i]] for i in found}
    assert bench.engine.prefixes.pages_in_use == 0
    assert bench.engine.pool.free + bench.engine.prefixes.pages_kept == bench.engine.pool.pages


def longest_request(layout, expected):
    """Tokens of the longest video, the longest question and its answer."""
    video = max(len(layout.video_prefix(clip.times)[0]) for clip, _ in expected)
    return video + max(len(layout.question(prompt)) for prompt in PROMPTS) + NEW_TOKENS


def test_an_answer_that_is_paused_for_pages_goes_on_where_it_was(checkpoint, layout, expected):
    clip, by_prompt = expected[1]
    room = longest_request(layout, expected[1:2]) + 20
    bench = Bench(checkpoint, layout, page_tokens=4, tokens=room)
    job = bench.job(clip, PROMPTS[:3])
    bench.engine.submit(job)
    most = 0
    while not bench.engine.idle:
        bench.engine.step()
        most = max(most, bench.engine.scheduler.waiting_sequences)
    assert most
    assert answers(job) == {i: by_prompt[p] for i, p in enumerate(PROMPTS[:3])}


def test_a_video_is_prefilled_once_for_all_its_questions(bench, video):
    clip = video(0, 9)
    first = bench.job(clip, PROMPTS[:2])
    bench.engine.submit(first)
    bench.finish()
    one, two = (e for e in events(first) if isinstance(e, Finished))
    later = bench.job(clip, PROMPTS[2:3], send=False)
    assert bench.engine.submit(later)
    bench.finish()
    opened, three = events(later)
    assert opened == Opened((7,))
    assert {one.index: one.cached_tokens, two.index: two.cached_tokens} == {
        0: 0,
        1: first.prefix_tokens,
    }
    assert three.cached_tokens == first.prefix_tokens
    assert three.prompt_tokens == first.prefix_tokens + len(bench.layout.question(PROMPTS[2]))


def test_a_video_that_is_not_held_is_asked_for(bench, video):
    assert not bench.engine.submit(bench.job(video(0, 9), PROMPTS[:1], send=False))


def test_two_requests_for_a_new_video_pay_once(bench, video):
    clip = video(0, 9)
    first, second = bench.job(clip, PROMPTS[:1]), bench.job(clip, PROMPTS[1:2], send=False)
    assert bench.engine.submit(first)
    assert bench.engine.submit(second)
    bench.finish()
    cached = [e.cached_tokens for job in (first, second) for e in events(job) if is_answer(e)]
    assert cached == [0, first.prefix_tokens]


def test_a_request_that_shares_frames_outlives_the_one_that_sent_them(bench, video, expected):
    clip, by_prompt = expected[0]
    first, second = bench.job(clip, PROMPTS[:1]), bench.job(clip, PROMPTS[1:2], send=False)
    bench.engine.submit(first)
    bench.engine.submit(second)
    first.cancel()
    bench.finish()
    assert answers(second) == {0: by_prompt[PROMPTS[1]]}


def test_the_oldest_unused_video_makes_room(checkpoint, layout, video):
    clips = [video(seed, 14) for seed in range(4)]
    size = len(layout.video_prefix(clips[0].times)[0])
    bench = Bench(checkpoint, layout, page_tokens=1, tokens=3 * size + 60)
    for clip in clips:
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
        bench.finish()
    held = [bench.engine.prefixes.acquire(clip.key) is not None for clip in clips]
    assert held == [False, True, True, True]


def test_more_videos_than_fit_at_once_are_all_answered(checkpoint, layout, expected):
    least = longest_request(layout, expected)
    bench = Bench(checkpoint, layout, page_tokens=1, tokens=least)
    jobs = [(bench.job(clip, PROMPTS), by_prompt) for clip, by_prompt in expected]
    for job, _ in jobs:
        bench.engine.submit(job)
    bench.finish()
    for job, by_prompt in jobs:
        assert answers(job) == {i: by_prompt[p] for i, p in enumerate(PROMPTS)}


def test_a_job_that_waits_for_room_is_not_starved_by_later_ones(checkpoint, layout, video):
    held, new = video(0, 14), video(1, 14)
    size = len(layout.video_prefix(held.times)[0])
    bench = Bench(checkpoint, layout, page_tokens=1, tokens=size + 60, max_sequences=1)
    bench.engine.submit(bench.job(held, PROMPTS[:1]))
    bench.engine.step()
    waiting = bench.job(new, PROMPTS[:1])
    bench.engine.submit(waiting)
    for _ in range(40 * NEW_TOKENS):
        bench.engine.submit(bench.job(held, PROMPTS[:1], send=False))
        bench.engine.step()
        if waiting.open_operations == 0:
            return
    pytest.fail("later jobs on a held video kept the waiting one out")


def test_a_short_video_overtakes_a_flood_of_long_ones(checkpoint, layout, video):
    bench = Bench(checkpoint, layout, tokens=8000, max_sequences=64)
    flood = [bench.job(video(seed, 14), PROMPTS[:1]) for seed in range(12)]
    short = bench.job(video(50, 1), PROMPTS[:1])
    for job in (*flood, short):
        bench.engine.submit(job)
    while short.prefix is None and short.open_operations:
        bench.engine.step()
    assert sum(job.media is None for job in flood) <= 2


def test_the_oldest_waits_for_no_more_than_twice_those_before_it(checkpoint, layout, video):
    bench = Bench(checkpoint, layout, tokens=8000, max_sequences=64)
    before = [bench.job(video(seed, 1), PROMPTS[:1]) for seed in range(3)]
    long = bench.job(video(60, 14), PROMPTS[:1])
    prefills = iter(range(1000))
    for job in (*before, long):
        bench.engine.submit(job)
    while long.media is not None:
        bench.engine.submit(bench.job(video(100 + next(prefills), 1), PROMPTS[:1]))
        bench.engine.step()
    assert next(prefills) <= 2 * (len(before) + 1)


def test_embeddings_come_with_the_prefill(bench, video, checkpoint, reference):
    clip = video(2, 5)
    job = bench.job(clip, [], embed=["mean", "max", "cls"])
    bench.engine.submit(job)
    bench.finish()
    vectors = {e.index: e.vector for e in events(job) if isinstance(e, Embedded)}
    inputs = reference.inputs(clip, "x")
    with torch.inference_mode():
        hidden = checkpoint.model.model(**inputs).last_hidden_state[0]
    patch = inputs["input_ids"][0] == checkpoint.model.config.image_patch_id
    pooled = hidden[patch].mean(0), hidden[patch].amax(0), hidden[patch][0]
    for index, vector in enumerate(pooled):
        expected = torch.nn.functional.normalize(vector, dim=0)
        torch.testing.assert_close(vectors[index], expected, atol=1e-5, rtol=1e-4)


def test_a_sampled_answer_repeats_with_its_seed_in_any_company(bench, video):
    clip = video(0, 3)
    alone = bench.job(clip, PROMPTS[:1], temperature=1.0, top_p=0.9, seed=11)
    bench.engine.submit(alone)
    bench.finish()
    crowd = [bench.job(clip, PROMPTS[1:2], temperature=1.0, seed=i) for i in range(2)]
    again = bench.job(clip, PROMPTS[:1], temperature=1.0, top_p=0.9, seed=11)
    other = bench.job(clip, PROMPTS[:1], temperature=1.0, top_p=0.9, seed=12)
    for job in (*crowd, again, other):
        bench.engine.submit(job)
    bench.finish()
    first = answers(alone)
    assert answers(again) == first
    assert answers(other) != first


def test_the_token_limit_truncates(bench, video):
    job = bench.job(video(0, 3), PROMPTS[:1], new_tokens=3)
    bench.engine.submit(job)
    bench.finish()
    _, event = events(job)
    assert event.truncated
    assert len(event.tokens) == 3


def test_a_cancelled_job_leaves_within_a_step_and_releases_everything(bench, video):
    clip = video(0, 9)
    cancelled, other = bench.job(clip, PROMPTS), bench.job(clip, PROMPTS[:1])
    bench.engine.submit(cancelled)
    bench.engine.submit(other)
    bench.engine.step()
    assert len(bench.engine.batch) == 3
    cancelled.cancel()
    bench.engine.step()
    assert len(bench.engine.batch) == 1
    bench.finish()
    assert len(answers(other)) == 1
    assert bench.engine.pool.free + bench.engine.prefixes.pages_kept == bench.engine.pool.pages


def test_a_sequence_without_finite_logits_costs_only_itself(bench, expected, monkeypatch):
    clip, by_prompt = expected[0]
    victim, other = bench.job(clip, PROMPTS[:1]), bench.job(clip, PROMPTS[1:2])
    bench.engine.submit(victim)
    bench.engine.submit(other)
    bench.engine.step()
    extend, poisoned_table = bench.runner.extend, bench.engine.batch.running[0].table

    def poisoned(tables, tokens):
        logits = extend(tables, tokens).clone()
        logits[tables.index(poisoned_table), 5] = float("nan")
        return logits

    monkeypatch.setattr(bench.runner, "extend", poisoned)
    bench.engine.step()
    monkeypatch.undo()
    bench.finish()
    _, event = events(victim)
    assert isinstance(event, Failed)
    assert isinstance(event.error, InternalError)
    assert answers(other) == {0: by_prompt[PROMPTS[1]]}


@pytest.mark.parametrize("error", [RuntimeError("a bad kernel"), torch.OutOfMemoryError("full")])
def test_a_sequence_that_cannot_be_computed_costs_only_itself(bench, expected, monkeypatch, error):
    clip, by_prompt = expected[0]
    jobs = [bench.job(clip, [prompt]) for prompt in PROMPTS[:3]]
    for job in jobs:
        bench.engine.submit(job)
    bench.engine.step()
    bench.engine.step()
    extend, victim = bench.runner.extend, bench.engine.batch.running[1]

    def failing(tables, tokens):
        if victim.table in tables:
            raise error
        return extend(tables, tokens)

    monkeypatch.setattr(bench.runner, "extend", failing)
    bench.finish()
    outcomes = [next(e for e in events(job) if not isinstance(e, Opened)) for job in jobs]
    assert [type(outcome) for outcome in outcomes] == [Finished, Failed, Finished]
    kind = Overloaded if isinstance(error, torch.OutOfMemoryError) else InternalError
    assert isinstance(outcomes[1].error, kind)
    for prompt, outcome in zip(PROMPTS, outcomes, strict=False):
        assert isinstance(outcome, Failed) or outcome.tokens == by_prompt[prompt]


def test_what_a_failed_sequence_leaves_in_its_pages_harms_nobody(
    checkpoint, layout, expected, monkeypatch
):
    clip, by_prompt = expected[1]
    room = longest_request(layout, expected[1:2]) + 8
    bench = Bench(checkpoint, layout, page_tokens=4, tokens=room)
    victim = bench.job(clip, PROMPTS[:1])
    bench.engine.submit(victim)
    bench.engine.step()
    for layer in (*bench.runner.cache.keys, *bench.runner.cache.values):
        layer[bench.engine.batch.running[0].table.own] = float("nan")
    bench.finish()
    after = bench.job(clip, PROMPTS[1:2])
    bench.engine.submit(after)
    bench.finish()
    assert any(isinstance(e, Failed) for e in events(victim))
    assert answers(after) == {0: by_prompt[PROMPTS[1]]}


def test_media_whose_states_are_not_finite_fail_and_leave_clean_pages(
    checkpoint, layout, expected, monkeypatch
):
    clip, by_prompt = expected[1]
    bench = Bench(checkpoint, layout, tokens=longest_request(layout, expected[1:2]) + 32)
    with monkeypatch.context() as patched:
        embedding = checkpoint.model.model.get_input_embeddings()
        patched.setattr(embedding, "forward", lambda ids: torch.full((len(ids), 64), torch.nan))
        bad = bench.job(clip, PROMPTS[:1], embed=["mean"])
        bench.engine.submit(bad)
        bench.finish()
    good = bench.job(clip, PROMPTS[:1])
    bench.engine.submit(good)
    bench.finish()
    assert [type(event) for event in events(bad)] == [Failed, Failed]
    assert answers(good) == {0: by_prompt[PROMPTS[0]]}


def test_a_video_that_cannot_be_prefilled_fails_its_own_job(bench, video, expected):
    clip, by_prompt = expected[1]
    bad = bench.job(video(5, 2), PROMPTS[:2])
    bad.media = VideoFrames(bad.media.times, bad.media.frames[:, :40], ())
    good = bench.job(clip, PROMPTS[:1])
    bench.engine.submit(bad)
    bench.engine.submit(good)
    bench.finish()
    assert [type(e) for e in events(bad)] == [Failed, Failed]
    assert answers(good) == {0: by_prompt[PROMPTS[0]]}


def test_beyond_its_queue_the_engine_is_overloaded(checkpoint, layout, video):
    bench = Bench(checkpoint, layout, max_waiting_requests=2)
    clip = video(0, 3)
    for _ in range(2):
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
    with pytest.raises(Overloaded) as refusal:
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
    assert refusal.value.retry_after
    bench.finish()
    assert bench.engine.submit(bench.job(clip, PROMPTS[:1]))
