"""A grammar compiler for the tiny checkpoint's vocabulary, which has fewer rows than tokens."""

import pytest

from molmo2_engine.generation.grammar import GrammarCompiler, read_vocabulary


@pytest.fixture(scope="session")
def tokenizer(qwen3_folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(qwen3_folder)


@pytest.fixture(scope="session")
def vocabulary(tokenizer):
    rows = 512
    assert len(tokenizer) > rows
    return read_vocabulary(tokenizer, rows, [tokenizer.eos_token_id])


@pytest.fixture
def compiler(vocabulary):
    return GrammarCompiler(vocabulary, max_grammars=2, max_seconds=30)
