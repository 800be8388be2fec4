"""What the engine promises about answers, whatever company they are computed in."""

import itertools

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stepped_engine import PROMPTS, SteppedEngine, answers, events, longest_request

from molmo2_engine.loop.job import Embedded


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
    bench = SteppedEngine(
        checkpoint, layout, page_tokens=page_tokens, tokens=least + spare, **limits
    )
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


def test_an_answer_that_is_paused_for_pages_goes_on_where_it_was(checkpoint, layout, expected):
    clip, by_prompt = expected[1]
    room = longest_request(layout, expected[1:2]) + 20
    bench = SteppedEngine(checkpoint, layout, page_tokens=4, tokens=room)
    job = bench.job(clip, PROMPTS[:3])
    bench.engine.submit(job)
    most = 0
    while not bench.engine.idle:
        bench.engine.step()
        most = max(most, bench.engine.scheduler.waiting_sequences)
    assert most
    assert answers(job) == {i: by_prompt[p] for i, p in enumerate(PROMPTS[:3])}


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
