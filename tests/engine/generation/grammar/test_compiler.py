"""Grammars are compiled once, and refused with the reason where they cannot be followed."""

import json
import sys
import threading
from pathlib import Path

import pytest

from molmo2_engine.generation.grammar import Grammar, GrammarCompiler, GrammarRefused, trial
from molmo2_engine.generation.grammar import compiler as module

CAT = Grammar("lark", 'start: "a cat" | "a dog"')


def allowed_first(compiler, grammar):
    return compiler.constraint(grammar).matcher.compute_bitmask()


def test_two_answers_under_one_grammar_stand_apart(compiler, tokenizer):
    first, second = compiler.constraint(CAT), compiler.constraint(CAT)
    whole = tokenizer.encode("a cat", add_special_tokens=False)
    tokens = []
    while not first.complete:
        token = whole[len(tokens)]
        tokens += [token, *first.take(token)]
    assert tokens == whole
    assert not second.complete
    forced = second.take(whole[0])
    assert forced == whole[1 : 1 + len(forced)]


def test_the_latest_grammars_are_kept_and_no_more(compiler, monkeypatch):
    compiled = []
    compile_one = GrammarCompiler._compile
    monkeypatch.setattr(
        GrammarCompiler, "_compile", lambda self, g: compiled.append(g) or compile_one(self, g)
    )
    a, b, c = (Grammar("lark", f'start: "{word}"') for word in "abc")
    for grammar in (a, b, a, b, c, b, a):
        compiler.constraint(grammar)
    assert compiled == [a, b, c, a]


def test_a_grammar_that_runs_out_of_memory_is_refused(compiler, monkeypatch, tmp_path):
    script = tmp_path / "trial.py"
    script.write_text(Path(trial.__file__).read_text().replace("2 << 30", "1 << 20"))
    monkeypatch.setattr(module, "_TRIAL", [sys.executable, str(script)])
    large = {"enum": [f"{n:x}" * 3 for n in range(3000)]}
    with pytest.raises(GrammarRefused, match="too much memory"):
        compiler.constraint(Grammar("json_schema", json.dumps(large)))


@pytest.mark.parametrize(
    ("grammar", "reason"),
    [
        (Grammar("lark", "start: nothing"), "nothing"),
        (Grammar("json_schema", '{"type": "strin"}'), "Invalid type: strin"),
        (Grammar("json_schema", '{"type": "array", "uniqueItems": true}'), "uniqueItems"),
        (Grammar("json_schema", '{"$ref": "https://example.org/a.json"}'), "example.org"),
        (Grammar("json_schema", '{"enum": []}'), "Unsatisfiable"),
        (Grammar("json_schema", '{"type": "string", "pattern": "(?=a)"}'), "look-around"),
        (
            Grammar("json_schema", '{"x-guidance": {"lenient": true}, "uniqueItems": true}'),
            "uniqueItems",
        ),
        (Grammar("json_schema", "{"), "EOF"),
        (Grammar("json_schema", "[1]"), "object"),
    ],
)
def test_what_cannot_be_followed_is_refused(compiler, grammar, reason):
    with pytest.raises(GrammarRefused, match=reason):
        compiler.constraint(grammar)
    with pytest.raises(GrammarRefused):
        compiler.constraint(grammar)


def test_a_schema_that_takes_forever_is_given_up_and_the_next_one_is_compiled(vocabulary):
    compiler = GrammarCompiler(vocabulary, max_grammars=2, max_seconds=2)
    patterns = [{"pattern": f".*{letter}.*"} for letter in "abcdefghijklmnopqrstuvwxyz"]
    hostile = Grammar("json_schema", json.dumps({"type": "string", "allOf": patterns}))
    with pytest.raises(GrammarRefused, match=r"more than 2 s .*max_grammar_seconds"):
        compiler.constraint(hostile)
    compiler.constraint(Grammar("json_schema", '{"type": "integer"}'))


def test_many_threads_may_compile_at_once(compiler):
    masks = {n: allowed_first(compiler, Grammar("lark", f'start: "{n}"')) for n in range(4)}
    wrong = []

    def work(n):
        for _ in range(25):
            if allowed_first(compiler, Grammar("lark", f'start: "{n}"')) != masks[n]:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n % 4,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_json_has_the_space_that_json_dumps_gives_it_and_no_other(compiler, tokenizer):
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "integer"}}, "b": {"const": 1}},
        "required": ["a", "b"],
        "additionalProperties": False,
        "x-guidance": {"whitespace_pattern": "[ \n]+", "whitespace_flexible": True},
    }
    grammar = Grammar("json_schema", json.dumps(schema))

    def admits(text):
        matcher = compiler.constraint(grammar).matcher
        tokens = tokenizer.encode(text, add_special_tokens=False)
        return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()

    value = {"a": [1, 2], "b": 1}
    assert admits(json.dumps(value))
    assert not admits(json.dumps(value, separators=(",", ":")))
    assert not admits(json.dumps(value, indent=1))
