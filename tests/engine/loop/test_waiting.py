"""Who waits for what in the engine: prefixes are shared, room is made, nobody starves."""

import pytest
from stepped_engine import (
    NEW_TOKENS,
    PROMPTS,
    SteppedEngine,
    answers,
    events,
    is_answer,
    longest_request,
)

from molmo2_contract.errors import Overloaded
from molmo2_engine.loop.job import Finished, Opened


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
    bench = SteppedEngine(checkpoint, layout, page_tokens=1, tokens=3 * size + 60)
    for clip in clips:
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
        bench.finish()
    held = [bench.engine.prefixes.acquire(clip.key) is not None for clip in clips]
    assert held == [False, True, True, True]


def test_more_videos_than_fit_at_once_are_all_answered(checkpoint, layout, expected):
    least = longest_request(layout, expected)
    bench = SteppedEngine(checkpoint, layout, page_tokens=1, tokens=least)
    jobs = [(bench.job(clip, PROMPTS), by_prompt) for clip, by_prompt in expected]
    for job, _ in jobs:
        bench.engine.submit(job)
    bench.finish()
    for job, by_prompt in jobs:
        assert answers(job) == {i: by_prompt[p] for i, p in enumerate(PROMPTS)}


def test_a_job_that_waits_for_room_is_not_starved_by_later_ones(checkpoint, layout, video):
    held, new = video(0, 14), video(1, 14)
    size = len(layout.video_prefix(held.times)[0])
    bench = SteppedEngine(checkpoint, layout, page_tokens=1, tokens=size + 60, max_sequences=1)
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


def test_who_waited_for_room_and_left_keeps_nobody_from_a_held_video(checkpoint, layout, video):
    held, new = video(0, 14), video(1, 14)
    size = len(layout.video_prefix(held.times)[0])
    bench = SteppedEngine(checkpoint, layout, page_tokens=1, tokens=size + 60, decode_share=0)
    bench.engine.submit(bench.job(held, PROMPTS[:1]))
    bench.engine.step()
    waiting = bench.job(new, PROMPTS[:1])
    bench.engine.submit(waiting)
    bench.engine.step()
    assert not bench.engine.submit(bench.job(held, PROMPTS[:1], send=False))
    waiting.cancel()
    bench.engine.step()
    assert bench.engine.submit(bench.job(held, PROMPTS[:1], send=False))


def test_a_short_video_overtakes_a_flood_of_long_ones(checkpoint, layout, video):
    bench = SteppedEngine(checkpoint, layout, tokens=8000, max_sequences=64)
    flood = [bench.job(video(seed, 14), PROMPTS[:1]) for seed in range(12)]
    short = bench.job(video(50, 1), PROMPTS[:1])
    for job in (*flood, short):
        bench.engine.submit(job)
    while short.prefix is None and short.open_operations:
        bench.engine.step()
    assert sum(job.media is None for job in flood) <= 2


def test_the_oldest_waits_for_no_more_than_twice_those_before_it(checkpoint, layout, video):
    bench = SteppedEngine(checkpoint, layout, tokens=8000, max_sequences=64, decode_share=0)
    before = [bench.job(video(seed, 1), PROMPTS[:1]) for seed in range(3)]
    long = bench.job(video(60, 14), PROMPTS[:1])
    prefills = iter(range(1000))
    for job in (*before, long):
        bench.engine.submit(job)
    while long.media is not None:
        bench.engine.submit(bench.job(video(100 + next(prefills), 1), PROMPTS[:1]))
        bench.engine.step()
    assert next(prefills) <= 2 * (len(before) + 1)


def test_beyond_its_queue_the_engine_is_overloaded(checkpoint, layout, video):
    bench = SteppedEngine(checkpoint, layout, max_waiting_requests=2)
    clip = video(0, 3)
    for _ in range(2):
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
    with pytest.raises(Overloaded) as refusal:
        bench.engine.submit(bench.job(clip, PROMPTS[:1]))
    assert refusal.value.retry_after
    bench.finish()
    assert bench.engine.submit(bench.job(clip, PROMPTS[:1]))
