"""What is written as JSON is read back as the same, whichever way it travels."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_contract import limits
from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    Embed,
    Pointing,
    Pooling,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.request import InfoRequest, Request, parse_request
from molmo2_contract.video import Video

CHARACTERS = st.characters(exclude_categories=["Cs"])
PROMPTS = st.text(CHARACTERS, min_size=1).map(str.strip).filter(bool)
GENERATION: dict[str, st.SearchStrategy[Any]] = {
    "max_new_tokens": st.integers(1, limits.MAX_NEW_TOKENS),
    "temperature": st.floats(0, limits.MAX_TEMPERATURE),
    "top_p": st.floats(0, 1, exclude_min=True),
    "seed": st.none() | st.integers(0, 2**63 - 1),
}
FORMED = {**GENERATION, "constrained": st.booleans()}
SCHEMAS = st.dictionaries(
    st.text(CHARACTERS, max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(CHARACTERS, max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(CHARACTERS, max_size=8), inner),
        max_leaves=8,
    ),
)
OPERATIONS = st.one_of(
    *(st.builds(kind, prompt=PROMPTS, **FORMED) for kind in (Pointing, Tracking)),
    st.builds(Describe, prompt=PROMPTS, json_schema=st.none() | SCHEMAS, **GENERATION),
    *(st.builds(kind, **FORMED) for kind in (TemporalLocalization, Comprehensive)),
    st.builds(Embed, pooling=st.sampled_from(Pooling)),
)
SECONDS = st.floats(0, limits.MAX_SECONDS)


@st.composite
def videos(draw: st.DrawFn) -> Video:
    start, end = sorted(draw(st.tuples(SECONDS, SECONDS).filter(lambda pair: pair[0] != pair[1])))
    return Video(
        uri=draw(st.none() | st.text(CHARACTERS, min_size=1)),
        start=start,
        end=draw(st.sampled_from([None, end])),
        max_frames=draw(st.integers(2, limits.MAX_FRAMES)),
        max_fps=draw(st.floats(0, limits.MAX_SAMPLED_FPS, exclude_min=True)),
    )


REQUESTS = st.builds(
    Request,
    video=videos(),
    operations=st.lists(OPERATIONS, min_size=1, max_size=6),
    timeout=st.floats(0, limits.MAX_TIMEOUT, exclude_min=True),
    stream=st.booleans(),
    request_id=st.none() | st.text(CHARACTERS, min_size=1, max_size=128),
)


@given(REQUESTS)
def test_a_request_survives_its_json(request: Request) -> None:
    text = request.model_dump_json()
    assert parse_request(text) == request
    assert parse_request(text.encode()) == request
    assert parse_request(bytearray(text, "utf-8")) == request
    assert parse_request(json.loads(text)) == request


@given(REQUESTS)
def test_a_field_that_may_be_null_may_be_left_out(request: Request) -> None:
    assert parse_request(request.model_dump_json(exclude_none=True)) == request


def test_the_smallest_request_says_what_it_leaves_to_the_defaults() -> None:
    request = parse_request('{"operations": [{"operation": "embed"}]}')
    assert isinstance(request, Request)
    assert request.model_dump(mode="json") == {
        "video": {"uri": None, "start": 0.0, "end": None, "max_frames": 384, "max_fps": 2.0},
        "operations": [{"operation": "embed", "pooling": "mean", "per_frame": False}],
        "timeout": 120.0,
        "stream": False,
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("operation", "tokens"),
    [
        ({"operation": "pointing", "prompt": "cat"}, 2048),
        ({"operation": "tracking", "prompt": "cat"}, 4096),
        ({"operation": "describe", "prompt": "What?"}, 2048),
        ({"operation": "temporal_localization"}, 2048),
        ({"operation": "comprehensive"}, 2048),
    ],
)
def test_an_operation_that_writes_text_is_greedy_bounded_and_in_its_form(
    operation: dict[str, Any], tokens: int
) -> None:
    request = parse_request({"operations": [operation]})
    assert isinstance(request, Request)
    free = operation["operation"] == "describe"
    assert request.operations[0].model_dump() == {
        **operation,
        **({"json_schema": None} if free else {"constrained": True}),
        "max_new_tokens": tokens,
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": None,
    }


def test_space_around_a_prompt_is_no_part_of_it() -> None:
    request = parse_request({"operations": [{"operation": "pointing", "prompt": " a  cat\n"}]})
    assert isinstance(request, Request)
    assert request.operations == [Pointing(prompt="a  cat")]


def test_a_question_about_the_server_survives_its_json() -> None:
    assert parse_request(InfoRequest(info=True).model_dump_json()) == InfoRequest(info=True)
