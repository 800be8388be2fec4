"""What is no request is refused: the message names the field, its bound, and what is accepted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_contract.errors import Error, ErrorKind, InvalidRequest
from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.request import InfoRequest, Request, parse_request

EMBED = {"operation": "embed"}
POINTING = {"operation": "pointing", "prompt": "cat"}
DESCRIBE = {"operation": "describe", "prompt": "What?"}
NAMES = "; expected one of " + ", ".join(OPERATION_NAMES)
UNKNOWN = "unknown field; remove it or check its spelling"
NAN, INFINITY = float("nan"), float("inf")


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"not": value}
    return value


def refusal(document: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        parse_request(document)
    assert refused.value.to_wire().kind is ErrorKind.INVALID_REQUEST
    return refused.value


def with_operation(**fields: Any) -> dict[str, Any]:
    return {"operations": [EMBED, {**POINTING, **fields}]}


def with_video(**fields: Any) -> dict[str, Any]:
    return {"operations": [EMBED], "video": fields}


def with_field(**fields: Any) -> dict[str, Any]:
    return {"operations": [EMBED], **fields}


OPERATION_FIELDS = [
    ({"operation": "paint"}, "", "unknown operation 'paint'" + NAMES),
    ({"operation": "Pointing"}, "", "unknown operation 'Pointing'" + NAMES),
    ({"operation": None}, "", "unknown operation 'None'" + NAMES),
    ({"operation": ["pointing"]}, "", "unknown operation \"['pointing']\"" + NAMES),
    ({"prompt": ""}, ".prompt", "must not be empty"),
    ({"prompt": " \n"}, ".prompt", "must not be empty"),
    ({"prompt": "x" * 4097}, ".prompt", "must have at most 4096 characters"),
    ({"prompt": 5}, ".prompt", "must be a valid string"),
    ({"prompt": None}, ".prompt", "must be a valid string"),
    ({"promt": "cat"}, ".promt", UNKNOWN),
    ({"pooling": "mean"}, ".pooling", UNKNOWN),
    ({"max_new_tokens": 0}, ".max_new_tokens", "must be greater than or equal to 1"),
    ({"max_new_tokens": 16385}, ".max_new_tokens", "must be less than or equal to 16384"),
    ({"max_new_tokens": 1.5}, ".max_new_tokens", "must be a valid integer"),
    ({"max_new_tokens": "8"}, ".max_new_tokens", "must be a number"),
    ({"temperature": -0.1}, ".temperature", "must be greater than or equal to 0"),
    ({"temperature": 2.1}, ".temperature", "must be less than or equal to 2"),
    ({"temperature": NAN}, ".temperature", "must be a finite number"),
    ({"top_p": 0}, ".top_p", "must be greater than 0"),
    ({"top_p": 1.1}, ".top_p", "must be less than or equal to 1"),
    ({"top_p": NAN}, ".top_p", "must be a finite number"),
    ({"seed": -1}, ".seed", "must be greater than or equal to 0"),
    ({"seed": 2**63}, ".seed", f"must be less than {2**63}"),
    ({"seed": True}, ".seed", "must be a number"),
    ({"constrained": "no"}, ".constrained", "must be a valid boolean"),
    ({"constrained": 0}, ".constrained", "must be a valid boolean"),
    ({"json_schema": {}}, ".json_schema", UNKNOWN),
]

SCHEMA_FIELDS = [
    ({"json_schema": "{}"}, ".json_schema", "must be a JSON object"),
    ({"json_schema": True}, ".json_schema", "must be a JSON object"),
    ({"json_schema": {"const": "é" * 16380}}, ".json_schema", "must have at most 32768; name what"),
    ({"json_schema": {"const": nested(32)}}, ".json_schema", "at most 32 deep; name its parts in"),
    ({"json_schema": {"const": NAN}}, ".json_schema", "must be JSON"),
    ({"constrained": False}, ".constrained", UNKNOWN),
]

VIDEO_FIELDS = [
    ({"url": "file:///a.mp4"}, ".url", UNKNOWN),
    ({"uri": ""}, ".uri", "must not be empty"),
    ({"uri": "x" * 4097}, ".uri", "must have at most 4096 characters"),
    ({"uri": 5}, ".uri", "must be a valid string"),
    ({"start": -0.5}, ".start", "must be greater than or equal to 0"),
    ({"start": 86401}, ".start", "must be less than or equal to 86400"),
    ({"start": NAN}, ".start", "must be a finite number"),
    ({"start": INFINITY}, ".start", "must be a finite number"),
    ({"start": None}, ".start", "must be a valid number"),
    ({"start": True}, ".start", "must be a number"),
    ({"start": "1.5"}, ".start", "must be a number"),
    ({"end": -1}, ".end", "must be greater than 0"),
    ({"end": 0}, ".end", "must be greater than 0"),
    ({"end": 86401}, ".end", "must be less than or equal to 86400"),
    ({"end": NAN}, ".end", "must be a finite number"),
    ({"start": 5, "end": 2}, "", "end (2.0 s) must be greater than start (5.0 s)"),
    ({"start": 5, "end": 5}, "", "end (5.0 s) must be greater than start (5.0 s)"),
    ({"max_frames": 1}, ".max_frames", "must be greater than or equal to 2"),
    ({"max_frames": 385}, ".max_frames", "must be less than or equal to 384"),
    ({"max_frames": 2.5}, ".max_frames", "must be a valid integer"),
    ({"max_fps": 0}, ".max_fps", "must be greater than 0"),
    ({"max_fps": 10.1}, ".max_fps", "must be less than or equal to 10"),
    ({"max_fps": NAN}, ".max_fps", "must be a finite number"),
]

FIELDS = [
    ({"vidoe": {}}, "vidoe", UNKNOWN),
    ({"video": "file:///a.mp4"}, "video", "must be a JSON object"),
    ({"video": None}, "video", "must be a JSON object"),
    ({"timeout": 0}, "timeout", "must be greater than 0"),
    ({"timeout": -1}, "timeout", "must be greater than 0"),
    ({"timeout": 3601}, "timeout", "must be less than or equal to 3600"),
    ({"timeout": NAN}, "timeout", "must be a finite number"),
    ({"timeout": INFINITY}, "timeout", "must be a finite number"),
    ({"timeout": "long"}, "timeout", "must be a number"),
    ({"stream": "yes"}, "stream", "must be a valid boolean"),
    ({"stream": 1}, "stream", "must be a valid boolean"),
    ({"request_id": ""}, "request_id", "must not be empty"),
    ({"request_id": "x" * 129}, "request_id", "must have at most 128 characters"),
    ({"operations": []}, "operations", "must hold at least one operation"),
    ({"operations": [EMBED] * 33}, "operations", "must hold at most 32 operations"),
    ({"operations": "embed"}, "operations", "must be a list of operations"),
    ({"operations": EMBED}, "operations", "must be a list of operations"),
    ({"operations": ["embed"]}, "operations[0]", "must be a JSON object"),
    ({"operations": [EMBED, None]}, "operations[1]", "must be a JSON object"),
    ({"operations": [{}]}, "operations[0]", "names no operation" + NAMES),
    ({"operations": [{"operation": "tracking"}]}, "operations[0].prompt", "required, and missing"),
    ({"operations": [{**EMBED, "prompt": "x"}]}, "operations[0].prompt", UNKNOWN),
    ({"operations": [{**EMBED, "pooling": "sum"}]}, "operations[0].pooling", "'mean', 'max' or"),
    ({"info": True}, "info", "leave it out to ask about a video"),
]

DOCUMENTS = [
    *(
        (with_operation(**fields), f"operations[1]{at}", why)
        for fields, at, why in OPERATION_FIELDS
    ),
    *(
        ({"operations": [{**DESCRIBE, **fields}]}, f"operations[0]{at}", why)
        for fields, at, why in SCHEMA_FIELDS
    ),
    *((with_video(**fields), f"video{at}", why) for fields, at, why in VIDEO_FIELDS),
    *((with_field(**fields), at, why) for fields, at, why in FIELDS),
    ({}, "operations", "required, and missing"),
    ({"video": {"uri": "file:///a.mp4"}}, "operations", "required, and missing"),
    ({"info": False}, "info", "must be True"),
    ({"info": "true"}, "info", "must be True"),
    ({"info": True, "video": {}}, "video", UNKNOWN),
]


@pytest.mark.parametrize(("document", "field", "why"), DOCUMENTS)
def test_a_refusal_names_the_field_and_its_bound(
    document: dict[str, Any], field: str, why: str
) -> None:
    refused = refusal(document)
    assert refused.field == field
    assert refused.message.startswith(f"{field}: ")
    assert why in refused.message
    assert refusal(json.dumps(document)).message == refused.message


@pytest.mark.parametrize(
    "fields",
    [
        {"video": {"start": 0, "end": 86400, "max_frames": 2, "max_fps": 10}},
        {"video": {"start": 0.5, "end": 0.6, "max_frames": 384, "max_fps": 0.001}},
        {"video": {"uri": "x" * 4096, "end": None}},
        {"timeout": 3600},
        {"timeout": 0.001, "request_id": "x" * 128},
        {"operations": [EMBED] * 32},
        {"operations": [{**POINTING, "max_new_tokens": 1, "temperature": 2, "top_p": 1e-9}]},
        {"operations": [{**POINTING, "max_new_tokens": 16384, "temperature": 0, "top_p": 1}]},
        {"operations": [{**POINTING, "max_new_tokens": 8.0, "seed": 0}]},
        {"operations": [{**POINTING, "prompt": "x" * 4096, "seed": 2**63 - 1}]},
        {"operations": [{**POINTING, "constrained": False}, {**DESCRIBE, "json_schema": None}]},
        {"operations": [{**DESCRIBE, "json_schema": {"const": "é" * 16377}}]},
        {"operations": [{**DESCRIBE, "json_schema": {"const": nested(31)}}]},
    ],
)
def test_what_lies_on_a_bound_is_accepted(fields: dict[str, Any]) -> None:
    assert isinstance(parse_request(with_field(**fields)), Request)


def test_of_several_faults_the_first_is_explained_and_the_others_are_counted() -> None:
    message = refusal({"video": {"start": -1, "end": -1}, "timeout": 0}).message
    assert message == "video.start: must be greater than or equal to 0 (3 more)"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "is not JSON: Expecting value: line 1 column 1"),
        ("point to the cat", "is not JSON: Expecting value: line 1 column 1"),
        (b'{"operations": [}', "is not JSON: Expecting value: line 1 column 17"),
        (b'{"operations": "\xff"}', "is not JSON: 'utf-8' codec can't decode byte 0xff"),
        (b"[1, 2]", "must be a JSON object with 'video' and 'operations'"),
        ("null", "must be a JSON object"),
        ("5", "must be a JSON object"),
        ([{"operation": "embed"}], "must be a JSON object"),
        (5, "must be a JSON object"),
        (None, "must be a JSON object"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"video": ' * 100_000, "is nested too deeply"),
        (f'{{"timeout": {"9" * 5000}}}', "holds an integer of more than 4300 digits"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_reason(document: Any, why: str) -> None:
    refused = refusal(document)
    assert refused.field is None
    assert refused.message.startswith("the request ")
    assert why in refused.message


def test_a_deep_value_in_an_unknown_field_is_an_unknown_field() -> None:
    deep = "[" * 500 + "]" * 500
    refused = refusal(f'{{"operations": [{{"operation": "embed", "deep": {deep}}}]}}')
    assert (refused.field, refused.message) == (
        "operations[0].deep",
        f"operations[0].deep: {UNKNOWN}",
    )


@pytest.mark.parametrize("value", [object(), 10**5000], ids=["object", "digits"])
def test_a_schema_that_is_no_json_is_refused(value: Any) -> None:
    refused = refusal({"operations": [{**DESCRIBE, "json_schema": {"const": value}}]})
    assert refused.message.startswith("operations[0].json_schema: must be JSON: ")


@pytest.mark.parametrize(
    "document",
    [
        '{"operations": [{"operation": "pointing", "prompt": "\\ud800"}]}',
        '{"operations": [{"operation": "embed", "\\ud800": 1}]}',
        '{"operations": [{"operation": "embed"}], "\\ud800": 1}',
        json.dumps({"operations": [{**DESCRIBE, "json_schema": {"const": "\ud800"}}]}),
    ],
)
def test_half_a_character_is_refused_in_words_that_can_be_sent(document: str) -> None:
    assert refusal(document).to_wire().model_dump_json()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {"operations": st.lists(JSON | st.sampled_from([EMBED, POINTING]), max_size=3)},
    optional=dict.fromkeys(("video", "timeout", "stream", "request_id", "info"), JSON),
)


def outcome(document: Any) -> Request | InfoRequest | Error:
    try:
        return parse_request(document)
    except InvalidRequest as refused:
        return refused.to_wire()


@given(JSON | NEARLY)
def test_whatever_is_sent_is_a_request_or_refused(document: Any) -> None:
    assert outcome(document).model_dump_json()
    assert outcome(json.dumps(document)).model_dump_json()


@given(st.binary(max_size=64) | st.text(max_size=64))
def test_whatever_bytes_are_sent_are_a_request_or_refused(document: bytes | str) -> None:
    refusal(document)
