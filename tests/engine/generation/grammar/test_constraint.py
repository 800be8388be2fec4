"""One answer on its way through a grammar."""

import pytest

from molmo2_engine.generation.grammar import Grammar, GrammarFailed

COLOURS = Grammar("lark", 'start: "the colour is " ("red" | "green") "."')
RED = "the colour is red."
NUMBER = Grammar("lark", "start: /[0-9]{1,3}/")


def encoded(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


def test_text_without_a_choice_is_taken_at_once(compiler, tokenizer):
    constraint = compiler.constraint(COLOURS)
    first = encoded(tokenizer, RED)[0]
    forced = constraint.take(first)
    assert len(forced) > 1
    assert tokenizer.decode([first, *forced]) in ("the colour is", "the colour is ")


@pytest.mark.parametrize("text", [RED, "the colour is green."])
def test_forced_tokens_are_those_that_the_tokenizer_gives(compiler, tokenizer, text):
    whole = encoded(tokenizer, text)
    constraint = compiler.constraint(COLOURS)
    tokens, picked = [], 0
    while not constraint.complete:
        token = whole[len(tokens)]
        tokens += [token, *constraint.take(token)]
        picked += 1
    assert tokens == whole
    assert picked < len(whole) / 2


def test_a_whole_answer_is_complete_without_an_end_token(compiler, tokenizer):
    constraint = compiler.constraint(COLOURS)
    first, *_ = whole = encoded(tokenizer, RED)
    tokens = [first, *constraint.take(first)]
    assert not constraint.complete
    rest = constraint.take(whole[len(tokens)])
    assert constraint.complete
    assert rest == whole[len(tokens) + 1 :]


def test_an_answer_that_may_end_or_go_on_is_not_complete(compiler, tokenizer):
    constraint = compiler.constraint(NUMBER)
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
