"""What the engine promises about answers, whatever company they are computed in."""

import queue

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molmo2_contract.errors import InternalError, Overloaded
from molmo2_engine.engine import Engine
from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.job import Embed, Embedded, Failed, Finished, Generate, Job, Opened
from molmo2_engine.kv.prefix_store import PrefixStore
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.media import VideoFrames

NEW_TOKENS = 16
PROMPTS = ["Point to the penguins.", "Track the red car.", "How many?", "Describe this video."]


class Bench:
    """An engine that a test steps by hand."""

    def __init__(self, checkpoint, layout, *, slots=3, prefix_tokens=400, max_waiting=64):
        self.layout = layout
        self.runner = ModelRunner(
            checkpoint, layout, slots=slots, slot_tokens=320, frames_at_once=4
        )
        self.prefixes = PrefixStore(prefix_tokens)
        self.engine = Engine(
            self.runner,
            self.prefixes,
            end_tokens=checkpoint.end_tokens,
            max_waiting=max_waiting,
            tokens_per_progress=4,
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
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals=arrivals, slots=st.integers(1, 5))
def test_greedy_tokens_equal_generates_in_any_company(
    checkpoint, layout, expected, arrivals, slots
):
    bench = Bench(checkpoint, layout, slots=slots)
    jobs = []
    step = 0
    while len(jobs) < len(arrivals) or not bench.engine.idle:
        for _, clip, prompts in [a for a in arrivals if a[0] == step]:
            job = bench.job(expected[clip][0], prompts)
            assert bench.engine.submit(job)
            jobs.append((job, clip, prompts))
        bench.engine.step()
        step += 1
    for job, clip, prompts in jobs:
        assert answers(job) == {i: expected[clip][1][p] for i, p in enumerate(prompts)}


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


def test_the_oldest_unused_video_makes_room(checkpoint, layout, video):
    clips = [video(seed, 14) for seed in range(4)]
    size = len(layout.video_prefix(clips[0].times)[0])
    bench = Bench(checkpoint, layout, prefix_tokens=3 * size + 1)
    for clip in clips:
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
    bench.finish()
    held = [bench.prefixes.acquire(clip.key) is not None for clip in clips]
    assert held == [False, True, True, True]
    assert bench.prefixes.tokens == 3 * size


def test_more_videos_than_fit_at_once_are_all_answered(checkpoint, layout, expected):
    largest = max(len(layout.video_prefix(clip.times)[0]) for clip, _ in expected)
    bench = Bench(checkpoint, layout, prefix_tokens=largest)
    jobs = [(bench.job(clip, PROMPTS), by_prompt) for clip, by_prompt in expected]
    for job, _ in jobs:
        bench.engine.submit(job)
    bench.finish()
    for job, by_prompt in jobs:
        assert answers(job) == {i: by_prompt[p] for i, p in enumerate(PROMPTS)}


def test_a_job_that_waits_for_room_is_not_starved_by_later_ones(checkpoint, layout, video):
    held, new = video(0, 14), video(1, 14)
    size = len(layout.video_prefix(held.times)[0])
    bench = Bench(checkpoint, layout, slots=1, prefix_tokens=size)
    bench.engine.submit(bench.job(held, PROMPTS[:1]))
    bench.engine.step()
    waiting = bench.job(new, PROMPTS[:1])
    bench.engine.submit(waiting)
    for _ in range(40 * NEW_TOKENS):
        bench.engine.submit(bench.job(held, PROMPTS[:1]))
        bench.engine.step()
        if waiting.open_operations == 0:
            return
    pytest.fail("later jobs on a held video kept the waiting one out")


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
    assert bench.runner.slots.free == 0
    cancelled.cancel()
    bench.engine.step()
    assert bench.runner.slots.free == 2
    bench.finish()
    assert len(answers(other)) == 1
    assert bench.prefixes.make_room(400)


def test_a_failing_sequence_costs_only_itself(bench, video, expected, monkeypatch):
    clip, by_prompt = expected[0]
    victim, other = bench.job(clip, PROMPTS[:1]), bench.job(clip, PROMPTS[1:2])
    bench.engine.submit(victim)
    bench.engine.submit(other)
    bench.engine.step()
    decode = bench.runner.decode

    def poisoned(tokens):
        logits = decode(tokens).clone()
        logits[0, 5] = float("nan")
        return logits

    monkeypatch.setattr(bench.runner, "decode", poisoned)
    bench.engine.step()
    monkeypatch.undo()
    bench.finish()
    _, event = events(victim)
    assert isinstance(event, Failed)
    assert isinstance(event.error, InternalError)
    assert answers(other) == {0: by_prompt[PROMPTS[1]]}


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
    bench = Bench(checkpoint, layout, max_waiting=2)
    clip = video(0, 3)
    for _ in range(2):
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
    with pytest.raises(Overloaded) as refusal:
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
    assert refusal.value.retry_after
    bench.finish()
    assert bench.engine.submit(bench.job(clip, PROMPTS[:1]))
