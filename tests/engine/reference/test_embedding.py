"""What the reference pools, with transformers' model in the place of the released code's."""

import pytest
import torch
import torch.nn.functional as F

from molmo2_engine.model.pooling import ZOO_PROMPT
from molmo2_engine.reference.embedding import embed
from molmo2_engine.reference.released import Released
from molmo2_engine.wire import engine_pb2 as wire

POOLED = {
    wire.MEAN: lambda states: states.mean(0),
    wire.MAX: lambda states: states.amax(0),
    wire.CLS: lambda states: states[0],
}


@pytest.fixture
def asked(checkpoint, reference, video):
    """Embeds a video of three frames; what came of it, and the hidden states beside their ids."""
    inputs = reference.inputs(video(5, 3), ZOO_PROMPT)
    released = Released(None, checkpoint.model, frozenset())
    with torch.inference_mode():
        states = checkpoint.model.model(**inputs).last_hidden_state[0]

    def ask(pooling, *, every_token, per_frame=False):
        how = wire.Embedding(pooling=pooling, per_frame=per_frame)
        with torch.inference_mode():
            return embed(released, inputs, how, frames=3, every_token=every_token)

    seen = states[inputs["input_ids"][0] == checkpoint.model.config.image_patch_id]
    return ask, states, seen


def unit(vector):
    return F.normalize(vector, dim=0)


@pytest.mark.parametrize("pooling", POOLED)
def test_visual_tokens_are_pooled_or_every_token(asked, pooling):
    ask, states, seen = asked
    for every_token, pooled in ((False, seen), (True, states)):
        embedded = ask(pooling, every_token=every_token)
        torch.testing.assert_close(
            torch.tensor(embedded.vector), unit(POOLED[pooling](pooled)), atol=1e-5, rtol=1e-4
        )
        assert embedded.usage.prompt_tokens == len(states)
        assert not embedded.frame_vectors


def test_frames_are_pooled_from_their_own_visual_tokens(asked):
    ask, _, seen = asked
    embedded = ask(wire.MEAN, every_token=True, per_frame=True)
    expected = torch.cat([unit(frame.mean(0)) for frame in seen.unflatten(0, (3, -1))])
    torch.testing.assert_close(torch.tensor(embedded.frame_vectors), expected, atol=1e-5, rtol=1e-4)
