"""Vectors of videos, of their frames, and by the zoo model's formula."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from molmo2_engine.assemble import assemble
from molmo2_engine.loop.job import Embedded, Finished
from molmo2_engine.model.pooling import ZOO_PROMPT
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire

POOLINGS = (wire.MEAN, wire.MAX, wire.CLS)


@pytest.fixture
def ask(checkpoint):
    """Asks an engine with these settings for embeddings; returns its model and its events."""

    def ask(clip, *, per_frame=False, prompt=None, **settings):
        assembly = assemble(
            EngineSettings(
                checkpoint=checkpoint.name,
                socket=Path("no-socket-is-opened"),
                **{"device": "cpu", "dtype": "float32", **settings},
            )
        )
        operations = [
            wire.Operation(embedding=wire.Embedding(pooling=pooling, per_frame=per_frame))
            for pooling in POOLINGS
        ]
        if prompt:
            generation = wire.Generation(prompt=prompt, max_new_tokens=8, top_p=1)
            operations.append(wire.Operation(generation=generation))
        job = assembly.admission.job(
            wire.AnswerRequest(
                video=wire.Video(
                    key=clip.key,
                    times=clip.times,
                    frames=clip.frames.numpy().tobytes(),
                    frame_numbers=range(1, len(clip.times) + 1),
                ),
                operations=operations,
            )
        )
        assert assembly.engine.submit(job)
        while not assembly.engine.idle:
            assembly.engine.step()
        events = []
        while not job.events.empty():
            events.append(job.events.get_nowait())
        return assembly.checkpoint.model, events

    return ask


def vectors(events):
    return [event for event in events if isinstance(event, Embedded)]


def pooled(states):
    return [F.normalize(v, dim=0) for v in (states.mean(0), states.amax(0), states[0])]


def test_a_frame_is_pooled_from_its_own_visual_tokens(ask, video, reference, checkpoint):
    clip = video(4, 5)
    model, events = ask(clip, per_frame=True)
    inputs = reference.inputs(clip, "x")
    with torch.inference_mode():
        hidden = model.model(**inputs).last_hidden_state[0]
    seen = hidden[inputs["input_ids"][0] == model.config.image_patch_id].reshape(5, 4, -1)
    for place, event in enumerate(vectors(events)):
        expected = torch.stack([pooled(states)[place] for states in seen])
        torch.testing.assert_close(event.frame_vectors, expected, atol=1e-5, rtol=1e-4)


def test_frames_are_sent_only_when_they_are_asked_for(ask, video):
    _, events = ask(video(4, 3))
    assert [event.frame_vectors for event in vectors(events)] == [None] * 3


def zoo_hidden(model, inputs):
    """The last hidden states of every token, as the zoo model takes them: float32 [tokens, …]."""
    inputs = inputs | {"pixel_values_videos": inputs["pixel_values_videos"].to(model.dtype)}
    with torch.inference_mode():
        return model.model(**inputs).last_hidden_state[0].float()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("count", [1, 7])
def test_the_zoo_models_formula_pools_every_token_and_its_prompts(
    ask, video, reference, dtype, count
):
    """Old vectors were made in float32, as the hub's weights are; new ones are not always."""
    clip = video(6, count)
    model, events = ask(clip, embedding_tokens="all", dtype=dtype)
    assert str(model.dtype) == f"torch.{dtype}"
    inputs = reference.inputs(clip, ZOO_PROMPT)
    for others in (model, reference.checkpoint.model):
        expected = pooled(zoo_hidden(others, inputs))
        for event, vector in zip(vectors(events), expected, strict=True):
            assert F.cosine_similarity(event.vector, vector, dim=0) >= 1 - 1e-3


def test_the_formula_changes_no_answer(ask, video, reference):
    clip = video(8, 4)
    _, events = ask(clip, prompt="Track the red car.", embedding_tokens="all")
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert finished.tokens == reference.greedy(clip, "Track the red car.", 8)
    assert (
        finished.prompt_tokens == reference.inputs(clip, "Track the red car.")["input_ids"].numel()
    )
