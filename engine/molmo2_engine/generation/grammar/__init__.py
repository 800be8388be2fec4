"""Holds answers to grammars: which tokens may come next, and which must.

llguidance does the reading of grammars and the work on the vocabulary. Text that a grammar leaves
no choice about is taken as the tokenizer itself would split it, so an answer has the tokens that
the model was trained on.
"""

from molmo2_engine.generation.grammar.compiler import Grammar, GrammarCompiler, GrammarRefused
from molmo2_engine.generation.grammar.constraint import Constraint, GrammarFailed
from molmo2_engine.generation.grammar.masks import TokenMasks
from molmo2_engine.generation.grammar.vocabulary import read_vocabulary

__all__ = [
    "Constraint",
    "Grammar",
    "GrammarCompiler",
    "GrammarFailed",
    "GrammarRefused",
    "TokenMasks",
    "read_vocabulary",
]
