"""Compiles grammars, and keeps the latest."""

import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from molmo2_contract.errors import Overloaded
from molmo2_engine.generation.grammar.constraint import Constraint

_JSON_STYLE = {
    "whitespace_flexible": False,
    "whitespace_pattern": None,
    "item_separator": ", ",
    "key_separator": ": ",
    "lenient": False,
}
"""As ``json.dumps`` writes: a model that may write any whitespace may write nothing else. What
cannot be enforced is refused."""

_TRIAL = [sys.executable, "-P", str(Path(__file__).with_name("trial.py"))]


class GrammarRefused(Exception):
    """The text is no grammar, or one that cannot be followed."""


@dataclass(frozen=True)
class Grammar:
    """A JSON Schema, or a grammar in llguidance's variant of Lark."""

    language: Literal["json_schema", "lark"]
    text: str


class GrammarCompiler:
    """Makes constraints for one vocabulary. Safe to call from any thread.

    It keeps the ``max_grammars`` grammars used last, compiled. Schemas come from callers: a new one
    is tried in a process of its own, one at a time, for at most ``max_seconds``.
    """

    def __init__(self, vocabulary: LLTokenizer, max_grammars: int, max_seconds: float) -> None:
        self._vocabulary = vocabulary
        self._max_grammars = max_grammars
        self._max_seconds = max_seconds
        self._limits = LLParserLimits(verbose_errors=False)
        self._compiled: OrderedDict[Grammar, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()
        self._trying = threading.Lock()

    def constraint(self, grammar: Grammar) -> Constraint:
        """A new answer's constraint.

        Raises:
            GrammarRefused: saying what is wrong with the grammar.
            Overloaded: if too many new schemas are waiting to be tried.
        """
        with self._lock:
            compiled = self._compiled.get(grammar)
            if compiled is not None:
                self._compiled.move_to_end(grammar)
                return self._begin(compiled)
        compiled = self._compile(grammar)
        with self._lock:
            self._compiled[grammar] = compiled
            while len(self._compiled) > self._max_grammars:
                self._compiled.popitem(last=False)
            return self._begin(compiled)

    def _begin(self, compiled: LLMatcher) -> Constraint:
        return Constraint(compiled.deep_copy(), self._vocabulary.vocab_size)

    def _compile(self, grammar: Grammar) -> LLMatcher:
        definition = _definition(grammar)
        if grammar.language == "json_schema":
            self._try(definition)
        matcher = LLMatcher(self._vocabulary, definition, log_level=0, limits=self._limits)
        if matcher.is_error():
            raise GrammarRefused(matcher.get_error())
        return matcher

    def _try(self, definition: str) -> None:
        if not self._trying.acquire(timeout=self._max_seconds):
            raise Overloaded("too many new JSON schemas at once", retry_after=self._max_seconds)
        try:
            tried = subprocess.run(
                _TRIAL,
                input=definition,
                capture_output=True,
                text=True,
                timeout=self._max_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GrammarRefused(
                f"it takes more than {self._max_seconds:g} s to compile (max_grammar_seconds); "
                "combine fewer patterns"
            ) from None
        finally:
            self._trying.release()
        if tried.returncode:
            raise GrammarRefused("it takes too much memory to compile; make it smaller")
        if tried.stdout:
            raise GrammarRefused(tried.stdout)


def _definition(grammar: Grammar) -> str:
    if grammar.language == "lark":
        return LLMatcher.grammar_from_lark(grammar.text)
    try:
        return LLMatcher.grammar_from_json_schema(grammar.text, overrides=_JSON_STYLE)
    except ValueError as error:
        raise GrammarRefused(str(error)) from None
