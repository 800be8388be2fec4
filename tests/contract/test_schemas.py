"""The published JSON Schemas: those of this contract, and as strict as its models."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from molmo2_contract.errors import InvalidRequest
from molmo2_contract.request import parse_request
from molmo2_contract.schemas import render

PUBLISHED = Path(__file__).parents[2] / "contract" / "schemas"
EMBED = {"operation": "embed", "pooling": "max"}
POINTING = {"operation": "pointing", "prompt": "cat", "temperature": 0.5, "seed": 7}
DESCRIBE = {"operation": "describe", "prompt": "What?"}

REQUESTS: list[dict[str, Any]] = [
    {"operations": [EMBED]},
    {"operations": [POINTING, {"operation": "tracking", "prompt": "a hand"}]},
    {"operations": [{"operation": "describe", "prompt": "What?", "top_p": 0.9, "seed": None}]},
    {"operations": [{"operation": "temporal_localization"}, {"operation": "comprehensive"}]},
    {"operations": [{**POINTING, "constrained": False}, {**DESCRIBE, "json_schema": {"a": [1]}}]},
    {"operations": [EMBED], "video": {"uri": "file:///a.mp4", "start": 1, "end": 2.5}},
    {"operations": [EMBED], "video": {"uri": None, "end": None, "max_frames": 8.0}},
    {"operations": [EMBED] * 32, "timeout": 3600, "stream": True, "request_id": "r"},
]

REFUSED: list[Any] = [
    {},
    [],
    "embed",
    {"operations": []},
    {"operations": [EMBED] * 33},
    {"operations": {"operation": "embed"}},
    {"operations": ["embed"]},
    {"operations": [{"operation": "paint"}]},
    {"operations": [{"prompt": "cat"}]},
    {"operations": [{"operation": "pointing"}]},
    *({"operations": [{**POINTING, **wrong}]} for wrong in (
        {"prompt": ""}, {"prompt": "x" * 4097}, {"prompt": 5}, {"colour": "red"}, {"seed": -1},
        {"seed": 2**63}, {"seed": "7"}, {"top_p": 0}, {"top_p": 1.5}, {"temperature": -1},
        {"temperature": 3}, {"temperature": True}, {"max_new_tokens": 0},
        {"max_new_tokens": 16385}, {"max_new_tokens": 1.5}, {"max_new_tokens": "8"},
        {"constrained": "false"}, {"constrained": 0}, {"json_schema": {}},
    )),
    *({"operations": [{**DESCRIBE, **wrong}]} for wrong in (
        {"json_schema": "{}"}, {"json_schema": [1]}, {"json_schema": True}, {"constrained": True},
    )),
    {"operations": [{**EMBED, "pooling": "sum"}]},
    {"operations": [{**EMBED, "prompt": "x"}]},
    *({"operations": [EMBED], "video": wrong} for wrong in (
        None, "file:///a.mp4", {"url": "x"}, {"uri": ""}, {"uri": 5}, {"start": -1},
        {"start": "1"}, {"start": True}, {"end": 0}, {"end": 86401}, {"max_frames": 1},
        {"max_frames": 385}, {"max_frames": 2.5}, {"max_fps": 0}, {"max_fps": 11},
    )),
    *({"operations": [EMBED], **wrong} for wrong in (
        {"vidoe": {}}, {"timeout": 0}, {"timeout": 3601}, {"timeout": "5"}, {"stream": 1},
        {"stream": "true"}, {"request_id": ""}, {"request_id": "x" * 129},
    )),
]  # fmt: skip


def test_the_published_schemas_are_those_of_the_contract(tmp_path: Path) -> None:
    published = {file.name: file.read_text() for file in PUBLISHED.iterdir()}
    assert published == render(), "run `make generated`"
    subprocess.run([sys.executable, "-m", "molmo2_contract.schemas", tmp_path / "new"], check=True)
    assert {file.name: file.read_text() for file in (tmp_path / "new").iterdir()} == published


@pytest.mark.parametrize("name", render())
def test_a_schema_is_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(render()[name]))


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads(render()["request.schema.json"]))


@pytest.mark.parametrize("request_", REQUESTS)
def test_schema_and_model_accept_the_same(
    schema: Draft202012Validator, request_: dict[str, Any]
) -> None:
    schema.validate(request_)
    parse_request(request_)


@pytest.mark.parametrize("refused", REFUSED)
def test_schema_and_model_refuse_the_same(schema: Draft202012Validator, refused: Any) -> None:
    assert not schema.is_valid(refused)
    with pytest.raises(InvalidRequest):
        parse_request(refused if isinstance(refused, dict) else json.dumps(refused))
