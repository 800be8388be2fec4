import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_handler.answers.json_answer import MAX_DEPTH, find_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
CONTAINERS = st.lists(JSON, max_size=4) | st.dictionaries(st.text(), JSON, max_size=4)


def complete(text: str) -> list[Any]:
    found = find_json(text)
    assert all(value.complete for value in found)
    return [value.value for value in found]


def broken(text: str) -> Any:
    (value,) = find_json(text)
    assert not value.complete
    return value.value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('```json\n[{"a":1},{"a":2}]\n```', [[{"a": 1}, {"a": 2}]]),
        ('Sure! {"a": 1} I hope this helps.', [{"a": 1}]),
        ('{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}{"a": 2}', [{"a": 1}, {"a": 2}]),
        ('{"events":[]} Note: use {x} to format', [{"events": []}]),
        ('Use {x}, as in {"a": 1}', [{"a": 1}]),
        ('{"a": "a } in a { string ]"}', [{"a": "a } in a { string ]"}]),
        ('{"a": "a line\nend"}', [{"a": "a line\nend"}]),
        ('{"a": [1, 2,], }', [{"a": [1, 2]}]),
        ("{} []", [{}, []]),
        ("prose only", []),
        ('"a string" 5 null', []),
        ("", []),
    ],
)
def test_every_value_at_the_top_is_found(text: str, values: list[Any]):
    assert complete(text) == values


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('[{"a":1},{"a":2},{"a":3', [{"a": 1}, {"a": 2}]),
        ("[1, 2, 3", [1, 2]),
        ('["a", "b', ["a"]),
        ('{"a": 1, "b": "cut', {"a": 1}),
        ('{"a": 1, "b": tru', {"a": 1}),
        ('{"a": "x", "b": 12', {"a": "x"}),
        ('{"a": "x", "b"', {"a": "x"}),
        ('{"a": "x", "b": {"c": "y", "d": "cut', {"a": "x", "b": {"c": "y"}}),
        ('{"a": "x", "events": [{"s": 1}, {"s": 2', {"a": "x", "events": [{"s": 1}]}),
        ('{"a": 1, "b": oops}', {"a": 1}),
    ],
)
def test_what_is_whole_in_a_broken_value_is_kept(text: str, kept: Any):
    assert broken(text) == kept


def test_objects_behind_a_broken_one_are_found():
    found = find_json('{"a": 1, oops {"a": 2}')
    assert [(value.value, value.complete) for value in found] == [
        ({"a": 1}, False),
        ({"a": 2}, True),
    ]


def test_half_a_character_becomes_a_whole_one():
    assert complete(r'["a\ud83d", "\ud83d\ude00"]') == [["a\ufffd", "\U0001f600"]]


def test_depth_has_a_bound():
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert complete(deepest) == [json.loads(deepest)]
    assert find_json(f"[{deepest}]") == []
    assert broken(f'{{"a": 1, "b": {deepest}}}')["a"] == 1
    assert find_json("[" * 100_000) == []


@given(st.lists(CONTAINERS, max_size=3), st.sampled_from(["", " ", "\n", " and ", "\n```\n"]))
def test_values_in_a_row_are_read_back(values: list[Any], between: str):
    assert complete(between.join(json.dumps(value) for value in values)) == values


@given(st.lists(st.integers() | st.text() | st.dictionaries(st.text(), st.text())), st.data())
def test_a_cut_array_keeps_a_prefix(items: list[Any], data: st.DataObject):
    text = json.dumps(items)
    cut = data.draw(st.integers(1, len(text)))
    for found in find_json(text[:cut])[:1]:
        assert found.value == items[: len(found.value)]
        assert found.complete == (cut == len(text))
