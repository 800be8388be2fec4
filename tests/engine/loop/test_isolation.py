"""What goes wrong with one operation costs that operation, and leaves nothing behind."""

import pytest
import torch
from stepped_engine import PROMPTS, SteppedEngine, answers, events, longest_request

from molmo2_contract.errors import InternalError, Overloaded
from molmo2_engine.loop import batch
from molmo2_engine.loop.failure import as_wire_error
from molmo2_engine.loop.job import Failed, Finished, Opened
from molmo2_engine.prompt.media import VideoFrames


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


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("a bad kernel"), InternalError),
        (torch.OutOfMemoryError("full"), Overloaded),
        (MemoryError(), Overloaded),
    ],
)
def test_a_sequence_that_cannot_be_computed_costs_only_itself(
    bench, expected, monkeypatch, error, kind
):
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
    assert isinstance(outcomes[1].error, kind)
    for prompt, outcome in zip(PROMPTS, outcomes, strict=False):
        assert isinstance(outcome, Failed) or outcome.tokens == by_prompt[prompt]


def test_tokens_that_cannot_be_picked_cost_those_who_wait_for_them(bench, expected, monkeypatch):
    clip, by_prompt = expected[0]
    lost, later = bench.job(clip, PROMPTS[:2]), bench.job(clip, PROMPTS[2:3])
    bench.engine.submit(lost)
    monkeypatch.setattr(batch, "next_tokens", lambda *_: torch.empty(2**50))
    bench.engine.step()
    monkeypatch.undo()
    bench.engine.submit(later)
    bench.finish()
    outcomes = [event for event in events(lost) if not isinstance(event, Opened)]
    assert [type(outcome.error) for outcome in outcomes] == [Overloaded, Overloaded]
    assert answers(later) == {0: by_prompt[PROMPTS[2]]}
    assert not bench.engine.batch


def test_a_tensor_that_no_memory_holds_is_told_as_overload():
    with pytest.raises(RuntimeError) as full:
        torch.empty(2**50)
    assert isinstance(as_wire_error(full.value), Overloaded)


def test_what_a_failed_sequence_leaves_in_its_pages_harms_nobody(
    checkpoint, layout, expected, monkeypatch
):
    clip, by_prompt = expected[1]
    room = longest_request(layout, expected[1:2]) + 8
    bench = SteppedEngine(checkpoint, layout, page_tokens=4, tokens=room)
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
    bench = SteppedEngine(checkpoint, layout, tokens=longest_request(layout, expected[1:2]) + 32)
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
