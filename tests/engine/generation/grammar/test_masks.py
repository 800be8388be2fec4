"""The masks of a batch: rows under several grammars beside free ones."""

import pytest
import torch

from molmo2_engine.generation.grammar import Grammar, GrammarFailed, TokenMasks

ROWS, VOCABULARY = 5, 512
CPU = torch.device("cpu")


@pytest.fixture
def masks():
    return TokenMasks(ROWS, CPU)


def letters(tokenizer, mask):
    return {tokenizer.decode([token]) for token in mask.nonzero().flatten().tolist()}


def test_each_row_has_the_mask_of_its_own_grammar(compiler, tokenizer, masks):
    odd = compiler.constraint(Grammar("lark", "start: /[13579]/"))
    even = compiler.constraint(Grammar("lark", "start: /[02468]/"))
    allowed = masks.allowed([odd, None, even])
    assert allowed.shape == (3, VOCABULARY)
    assert letters(tokenizer, allowed[0]) == set("13579")
    assert allowed[1].all()
    assert letters(tokenizer, allowed[2]) == set("02468")


def test_where_all_rows_are_free_there_is_no_mask(masks):
    assert masks.allowed([None, None]) is None


def test_a_row_that_was_masked_is_free_again_in_the_next_step(compiler, masks):
    constraint = compiler.constraint(Grammar("lark", 'start: "ab" | "c"'))
    masks.allowed([constraint, None])
    allowed = masks.allowed([None, constraint])
    assert allowed[0].all()
    assert not allowed[1].all()


def test_a_token_that_ends_the_answer_is_allowed_where_it_may_end(compiler, tokenizer, masks):
    constraint = compiler.constraint(Grammar("lark", "start: /[0-9]{1,2}/"))
    assert not masks.allowed([constraint])[0, tokenizer.eos_token_id]
    constraint.take(tokenizer.convert_tokens_to_ids("7"))
    assert letters(tokenizer, masks.allowed([constraint])[0]) == {*"0123456789", "<|im_end|>"}


def test_media_tokens_are_beyond_every_mask(compiler, tokenizer, masks):
    anything = compiler.constraint(Grammar("lark", r"start: /(.|\n){1,9}/"))
    allowed = masks.allowed([anything])[0]
    assert len(tokenizer) > len(allowed)
    assert not any(allowed[i] for i in tokenizer.all_special_ids if i < len(allowed))


def test_a_failing_grammar_leaves_the_other_rows_alone(compiler, tokenizer, masks):
    failed = compiler.constraint(Grammar("lark", "start: /[0-9]{1,3}/"))
    well = compiler.constraint(Grammar("lark", "start: /[0-9]{1,3}/"))
    with pytest.raises(GrammarFailed):
        failed.take(tokenizer.convert_tokens_to_ids("x"))
    assert letters(tokenizer, masks.allowed([failed, well])[1]) == set("0123456789")
    with pytest.raises(GrammarFailed):
        failed.take(tokenizer.eos_token_id)
