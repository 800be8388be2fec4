"""How large the KV cache is."""

import pytest

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
