"""How large the KV cache is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from molmo2_engine.kv.cache import bytes_per_token
from molmo2_engine.kv.sizing import CacheTooSmall, count_pages
from molmo2_engine.settings import EngineSettings


def settings(**given):
    return EngineSettings(checkpoint="x", socket="x.sock", **given)


def test_cache_tokens_are_whole_pages(checkpoint):
    assert count_pages(settings(cache_tokens=1000, page_tokens=32), checkpoint, 512) == 31


def test_a_cache_that_could_not_hold_one_request_is_refused(checkpoint):
    with pytest.raises(CacheTooSmall, match=r"512 tokens .*needs 544") as refusal:
        count_pages(settings(cache_tokens=512, page_tokens=32), checkpoint, 512)
    assert "Raise cache_tokens" in str(refusal.value)


def test_on_a_cpu_its_size_does_not_depend_on_the_machine(checkpoint):
    assert count_pages(settings(page_tokens=64), checkpoint, 512) == 1024


def test_what_others_hold_counts_against_an_engine_that_has_its_gpu_alone(on_a_gpu):
    with pytest.raises(CacheTooSmall):
        count_pages(settings(gpu_memory_fraction=0.5), on_a_gpu, 512)


def test_an_engine_that_shares_its_gpu_has_its_fraction_of_it(checkpoint, on_a_gpu):
    given = settings(gpu_memory_fraction=0.5, share_gpu=True, page_tokens=1)
    per_token = bytes_per_token(checkpoint.model.config.text_config, checkpoint.dtype)
    assert count_pages(given, on_a_gpu, 512) == 30 * 2**30 // per_token


@pytest.fixture
def on_a_gpu(checkpoint, monkeypatch):
    """On one of 80 GiB: 50 are taken, 10 of them by this engine."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (30 * 2**30, 80 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 10 * 2**30)
    config = checkpoint.model.config
    model = SimpleNamespace(device=torch.device("cuda"), dtype=checkpoint.dtype, config=config)
    return replace(checkpoint, model=model)
