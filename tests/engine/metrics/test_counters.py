"""What an engine counts, and when it is told."""

import pytest
from stepped_engine import PROMPTS, SteppedEngine

from molmo2_engine.client.canary import CANARY


@pytest.fixture
def bench(checkpoint, layout):
    return SteppedEngine(checkpoint, layout)


def value(bench, name, **labels):
    return bench.registry.get_sample_value(f"molmo2_engine_{name}", labels) or 0


def test_waiting_and_first_tokens_are_told_while_the_answer_is_written(bench, video):
    bench.engine.submit(bench.job(video(0, 3), PROMPTS[:1], new_tokens=8))
    bench.engine.step()
    assert bench.engine.batch.running
    assert value(bench, "queue_seconds_count") == 1
    assert value(bench, "time_to_first_token_seconds_count") == 1
    bench.finish()
    assert value(bench, "queue_seconds_count") == 1
    assert value(bench, "time_to_first_token_seconds_count") == 1


def test_one_that_is_cancelled_has_waited_too(bench, video):
    job = bench.job(video(0, 3), PROMPTS[:1], new_tokens=8)
    bench.engine.submit(job)
    bench.engine.step()
    job.cancel()
    bench.finish()
    assert value(bench, "operations_total", outcome="cancelled") == 1
    assert value(bench, "time_to_first_token_seconds_count") == 1


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_canary_is_no_request_but_its_tokens_are_tokens(bench, video, cancelled):
    for _ in range(2):
        job = bench.job(video(0, 3), PROMPTS[:1], new_tokens=2)
        job.request_id = CANARY
        bench.engine.submit(job)
        bench.engine.step()
        if cancelled:
            job.cancel()
        bench.finish()
    names = ("prefix_lookups_total", "operations_total", "queue_seconds_count")
    told = [
        sample
        for family in bench.registry.collect()
        for sample in family.samples
        if sample.name.removeprefix("molmo2_engine_")
        in (*names, "time_to_first_token_seconds_count")
    ]
    assert not any(sample.value for sample in told)
    assert value(bench, "generated_tokens_total") >= 2
