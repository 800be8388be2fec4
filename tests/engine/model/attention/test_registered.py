"""transformers' layers with the engine's attention function."""

import pytest
import torch
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.media_pass import MediaPass
from molmo2_engine.model.text import TransformersText

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def untouched(checkpoint):
    """The same checkpoint as transformers loads it by itself."""
    return Molmo2ForConditionalGeneration.from_pretrained(
        checkpoint.folder, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()


def test_a_plain_forward_pass_is_as_without_it(checkpoint, untouched, reference, video):
    inputs = reference.inputs(video(3, 5), "Track the red car.")
    with torch.inference_mode():
        logits = [model(**inputs).logits for model in (checkpoint.model, untouched)]
    assert torch.equal(*logits)


def test_media_in_pages_equal_media_under_a_dense_mask(checkpoint, untouched, layout, video):
    ids, visual = layout.video_prefix(video(5, 7).times)
    config = checkpoint.model.config.text_config
    embedded = torch.randn(len(ids), config.hidden_size)
    positions = torch.arange(len(ids))
    seen = torch.tensor(visual)
    dense = torch.ones(len(ids), len(ids), dtype=torch.bool).tril() | (seen[:, None] & seen)
    cache = PagedCache(config, 40, 16, torch.float32, CPU)
    pages = list(range(40, 40 - -(-len(ids) // 16), -1))

    with torch.inference_mode():
        expected = untouched.model.language_model(
            inputs_embeds=embedded[None],
            position_ids=positions[None],
            attention_mask=dense[None, None],
        ).last_hidden_state[0]
        states = TransformersText(checkpoint.model).states(
            embedded, positions, MediaPass(cache, pages, visual)
        )

    torch.testing.assert_close(states, expected, atol=2e-5, rtol=1e-5)
