"""A model over two devices answers as one on one; here both are the CPU."""

import pytest
import torch
from stepped_engine import PROMPTS, SteppedEngine, answers

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.media_pass import MediaPass
from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model.split_text import SplitText, moved

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def split(checkpoint):
    room = 2 * sum(weight.nbytes for weight in checkpoint.model.parameters())
    spread = [(CPU, room), (CPU, room)]
    return checkpoints.load(str(checkpoint.folder), None, "cpu", "float32", spread=spread)


def test_greedy_tokens_are_those_of_one_device(split, layout, expected):
    bench = SteppedEngine(split, layout)
    assert isinstance(bench.runner._text, SplitText)
    jobs = [(bench.job(clip, PROMPTS), by_prompt) for clip, by_prompt in expected]
    for job, _ in jobs:
        assert bench.engine.submit(job)
    bench.finish()
    for job, by_prompt in jobs:
        assert answers(job) == {i: by_prompt[prompt] for i, prompt in enumerate(PROMPTS)}


def test_the_pages_of_a_layer_are_where_the_layer_is(checkpoint):
    config = checkpoint.model.config.text_config
    places = [torch.device("meta"), *[CPU] * (config.num_hidden_layers - 1)]
    cache = PagedCache(config, 4, 8, torch.float32, CPU, layer_devices=places)
    assert [keys.device for keys in cache.keys] == places
    assert [values.device for values in cache.values] == places


def test_a_pass_seen_from_another_device_has_its_numbers_there_and_shares_the_pages(checkpoint):
    config = checkpoint.model.config.text_config
    cache = PagedCache(config, 4, 8, torch.float32, CPU)
    here = MediaPass(cache, [1, 2], [False, True, True, False])
    there = moved(here, torch.device("meta"))
    assert there.places.device.type == there.cache.device.type == "meta"
    assert here.places.device.type == here.cache.device.type == "cpu"
    assert there.cache.keys is here.cache.keys
    tensors = [value for value in vars(there._attention).values() if torch.is_tensor(value)]
    assert tensors
    assert all(tensor.is_meta for tensor in tensors)
