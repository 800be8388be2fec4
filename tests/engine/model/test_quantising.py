"""Weights of a byte each: half the memory of bfloat16's, and nearly its answers."""

import pytest
import torch
from reference import Reference
from stepped_engine import NEW_TOKENS, PROMPTS, SteppedEngine, answers
from torch import nn

from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model.quantising import is_quantised


def load(checkpoint, quantization, dtype="float32"):
    return checkpoints.load(str(checkpoint.folder), None, "cpu", dtype, quantization)


@pytest.fixture(scope="module")
def rounded(checkpoint):
    return load(checkpoint, "int8")


def stored_bytes(module):
    """Of numbers and, where they are rounded, of the scales of their rows."""
    return sum(
        sum(getattr(weight, part).nbytes for part in ("qdata", "scale"))
        if hasattr(weight, "qdata")
        else weight.nbytes
        for weight in module.parameters()
    )


def test_text_layers_are_rounded_and_nothing_else(rounded):
    text = rounded.model.model.language_model
    rest = (rounded.model.model.vision_tower, rounded.model.lm_head, text.embed_tokens, text.norm)
    assert is_quantised(rounded.model)
    assert not any(is_quantised(module) for module in rest)
    linear = [each for each in text.layers.modules() if isinstance(each, nn.Linear)]
    assert all(is_quantised(each) for each in linear)


def test_a_text_layer_takes_little_more_than_a_byte_a_weight(checkpoint, rounded):
    layer = rounded.model.model.language_model.layers[0]
    weights = sum(weight.numel() for weight in layer.parameters())
    assert stored_bytes(layer) <= 1.15 * weights  # scales weigh more in a layer as small as this


def test_the_engine_answers_as_generate_does_with_the_same_weights(rounded, layout, video):
    clip = video(0, 9)
    bench = SteppedEngine(rounded, layout)
    job = bench.job(clip, PROMPTS)
    assert bench.engine.submit(job)
    bench.finish()
    reference = Reference(rounded)
    told = {i: reference.greedy(clip, prompt, NEW_TOKENS) for i, prompt in enumerate(PROMPTS)}
    assert answers(job) == told


@torch.inference_mode()
def test_logits_stay_close(checkpoint, rounded, reference, video):
    inputs = reference.inputs(video(1, 3), PROMPTS[0])
    exact, near = (each.model(**inputs).logits[0] for each in (checkpoint, rounded))
    assert (near - exact).norm() < 0.1 * exact.norm()
    assert not torch.equal(near, exact)
