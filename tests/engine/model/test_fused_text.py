"""The fused layers, of either kind of operations, do what transformers' layers do."""

import copy

import pytest
import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.media_pass import MediaPass
from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.kv.step import Step
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model import plain_operations
from molmo2_engine.model.fused_text import FusedText
from molmo2_engine.model.kernels import operations as kernels
from molmo2_engine.model.text import TransformersText

PAGE_TOKENS = 8
PAGES = 30


@pytest.fixture(scope="module")
def model(checkpoint, device):
    """A copy, whose weights the fused layers lay side by side."""
    return copy.deepcopy(checkpoint.model).to(device)


def run(text, config, visual, embedded):
    """A prefix, then two sequences behind it with three and one new tokens; states and cache."""
    cache = PagedCache(config, PAGES, PAGE_TOKENS, torch.float32, embedded.device)
    pool = PagePool(PAGES, PAGE_TOKENS)
    prefix = Prefix(b"", (), len(visual), pool.take(pool.needed(len(visual))), {})
    positions = torch.arange(len(visual), device=embedded.device)
    media = MediaPass(cache, prefix.pages, visual)
    states = [text.states(embedded[: len(visual)].clone(), positions, media)]
    tables = [PageTable(prefix, pool, cache) for _ in range(2)]
    for table, new in zip(tables, (3, 1), strict=True):
        table.grow(new)
    step = Step(cache, tables, [3, 1])
    more = text.states(embedded[len(visual) :].clone(), step.positions, step)
    return [*states, more, text.logits(more[step.last])], cache


@pytest.mark.parametrize("operations", [plain_operations, kernels])
def test_states_logits_and_pages_are_equal(operations, model, checkpoint, layout, device):
    torch.manual_seed(4)
    config = checkpoint.model.config.text_config
    visual = layout.video_prefix([0.0, 0.5])[1]
    embedded = torch.randn(len(visual) + 4, config.hidden_size, device=device)
    plain = TransformersText(copy.deepcopy(checkpoint.model).to(device))

    with torch.inference_mode():
        expected, expected_cache = run(plain, config, visual, embedded)
        states, cache = run(FusedText(model, operations), config, visual, embedded)

    torch.testing.assert_close(states, expected, atol=5e-5, rtol=1e-5)
    for one, other in zip(
        (*cache.keys, *cache.values), (*expected_cache.keys, *expected_cache.values), strict=True
    ):
        torch.testing.assert_close(one[1:], other[1:], atol=5e-5, rtol=1e-5)


def test_the_modules_go_on_working_and_no_weight_is_held_twice(model, checkpoint, device):
    fused = FusedText(model)
    ids = torch.arange(9, device=device)[None]
    with torch.inference_mode():
        logits = [m(input_ids=ids.to(m.device)).logits.cpu() for m in (model, checkpoint.model)]
    torch.testing.assert_close(*logits, atol=1e-5, rtol=1e-5)
    held = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    assert {linear.weight.untyped_storage().data_ptr() for linear in fused.linears} <= held
