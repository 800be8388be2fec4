"""One answer on its way through a grammar."""

import pytest

from molmo2_engine.generation.grammar import Grammar, GrammarFailed

COLOURS = Grammar("lark", 'start: "the colour is " ("red" | "green") "."')
NUMBER = Grammar("lark", "start: /[0-9]{1,3}/")


def test_text_without_a_choice_is_taken_at_once(compiler, tokenizer):
    constraint = compiler.constraint(COLOURS)
    opening = constraint.open()
    assert "the colour is ".startswith(tokenizer.decode(opening))
    assert len(opening) > 1


def test_forced_tokens_are_those_that_the_tokenizer_gives(compiler, tokenizer):
    whole = tokenizer.encode("the colour is green.", add_special_tokens=False)
    constraint = compiler.constraint(COLOURS)
    tokens = constraint.open()
    while not constraint.complete:
        token = whole[len(tokens)]
        tokens += [token, *constraint.take(token)]
    assert tokens == whole


def test_a_whole_answer_is_complete_without_an_end_token(compiler, tokenizer):
    constraint = compiler.constraint(COLOURS)
    whole = tokenizer.encode("the colour is red.", add_special_tokens=False)
    opening = constraint.open()
    rest = constraint.take(whole[len(opening)])
    assert constraint.complete
    assert whole == [*opening, whole[len(opening)], *rest]
    assert tokenizer.eos_token_id not in rest


def test_an_answer_that_may_end_or_go_on_is_not_complete(compiler, tokenizer):
    constraint = compiler.constraint(NUMBER)
    assert constraint.open() == []
    assert constraint.take(tokenizer.convert_tokens_to_ids("7")) == []
    assert not constraint.complete
    constraint.take(tokenizer.eos_token_id)
    assert constraint.complete


def test_a_token_that_is_not_allowed_fails_that_answer_and_stays_failed(compiler, tokenizer):
    failed, other = compiler.constraint(NUMBER), compiler.constraint(NUMBER)
    x = tokenizer.convert_tokens_to_ids("x")
    for token in (x, tokenizer.eos_token_id):
        with pytest.raises(GrammarFailed):
            failed.take(token)
    assert not failed.complete
    other.take(tokenizer.convert_tokens_to_ids("7"))
