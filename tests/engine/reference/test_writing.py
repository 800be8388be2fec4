"""What stands beside the released ``generate``: grammars, and whoever listens."""

import json

import pytest
import torch

from molmo2_engine.generation.grammar import Grammar
from molmo2_engine.model.pooling import NotFinite
from molmo2_engine.reference.writing import Following, Listening

PROMPT = torch.tensor([[1, 2, 3]])
COLOURS = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_follows_its_grammar_and_then_ends(checkpoint, grammars, seed) -> None:
    constraint = grammars.constraint(Grammar("json_schema", json.dumps(COLOURS)))
    following = Following(constraint, PROMPT.shape[1], checkpoint.end_tokens)
    chance = torch.Generator().manual_seed(seed)
    ids = PROMPT
    while int(ids[0, -1]) not in checkpoint.end_tokens:
        scores = torch.randn(1, constraint.vocabulary, generator=chance)
        ids = torch.cat([ids, following(ids, scores).argmax(-1, keepdim=True)], dim=1)
    answer = checkpoint.tokenizer.decode(ids[0, PROMPT.shape[1] : -1])
    assert json.loads(answer)["colour"] in ("red", "green", "blue")
    assert following.completes(ids)


def test_an_answer_that_is_cut_off_is_not_complete(checkpoint, grammars) -> None:
    constraint = grammars.constraint(Grammar("json_schema", json.dumps(COLOURS)))
    following = Following(constraint, PROMPT.shape[1], checkpoint.end_tokens)
    first = following(PROMPT, torch.zeros(1, constraint.vocabulary)).argmax(-1, keepdim=True)
    assert not following.completes(torch.cat([PROMPT, first], dim=1))


def test_an_answer_without_a_grammar_is_left_as_it_is() -> None:
    scores = torch.randn(1, 8)
    assert Following(None, 3, [0])(PROMPT, scores) is scores


def test_what_is_no_number_ends_the_answer() -> None:
    with pytest.raises(NotFinite):
        Following(None, 3, [0])(PROMPT, torch.tensor([[1.0, torch.nan]]))


def test_who_listens_hears_the_answer_alone_and_may_end_it() -> None:
    heard = []
    listening = Listening(3, lambda tokens: heard.append(tokens) or len(tokens) == 2)
    assert not listening(torch.tensor([[1, 2, 3, 4]]), None)
    assert listening(torch.tensor([[1, 2, 3, 4, 5]]), None)
    assert heard == [[4], [4, 5]]
