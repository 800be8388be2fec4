import json

import pytest
import typer

from molmo2_client import InvalidRequest
from molmo2_client.command.questions import from_document, from_options
from molmo2_contract.operations import OPERATION_NAMES

VIDEO = "street.mp4"


def test_prompts_go_in_their_order_to_the_operations_that_take_one():
    operations = ["pointing", "embed", "describe", "temporal_localization"]
    question = from_options(VIDEO, operations, ["car", "why"], {"end": 5})
    assert question.operations == [
        {"operation": "pointing", "prompt": "car"},
        {"operation": "embed"},
        {"operation": "describe", "prompt": "why"},
        {"operation": "temporal_localization"},
    ]
    assert question.options == {"end": 5}


@pytest.mark.parametrize(
    ("operations", "prompts", "says"),
    [
        (["pointing"], [], "0 given, wanted: one for pointing"),
        (["pointing", "describe"], ["a"], "1 given, wanted: one for pointing, one for describe"),
        (["embed"], ["a"], "1 given, wanted: none"),
        (["pointign"], ["a"], f"'pointign'; expected one of {', '.join(OPERATION_NAMES)}"),
    ],
)
def test_prompts_and_operations_that_do_not_fit_are_wrong_usage(operations, prompts, says):
    with pytest.raises(typer.BadParameter, match=says):
        from_options(VIDEO, operations, prompts, {})


def test_without_a_video_there_is_no_question():
    with pytest.raises(typer.BadParameter) as raised:
        from_options(None, ["embed"], [], {})
    assert raised.value.param_hint == "VIDEO"


DOCUMENT = {
    "video": {"start": 1, "max_fps": 1},
    "operations": [{"operation": "pointing", "prompt": "car"}, {"operation": "embed"}],
    "timeout": 9,
    "request_id": "r",
}
URI = "file:///data/a.mp4"


def test_a_document_is_the_question_it_would_be_to_the_server():
    question = from_document(VIDEO, json.dumps(DOCUMENT), {})
    assert question.video == VIDEO
    assert question.names() == ['pointing "car"', "embed"]
    assert question.options == {"start": 1, "max_fps": 1, "timeout": 9, "request_id": "r"}


def test_options_go_before_what_the_document_says():
    question = from_document(VIDEO, json.dumps(DOCUMENT), {"start": 2, "end": 3})
    assert question.options == DOCUMENT["video"] | {
        "start": 2,
        "end": 3,
        "timeout": 9,
        "request_id": "r",
    }


@pytest.mark.parametrize(("argument", "uri"), [(VIDEO, None), (None, URI)])
def test_the_video_is_the_argument_or_the_documents_uri(argument, uri):
    document = DOCUMENT | {"video": {"uri": uri} if uri else {}}
    assert from_document(argument, json.dumps(document), {}).video == (argument or uri)


@pytest.mark.parametrize(("argument", "uri"), [(VIDEO, URI), (None, None)])
def test_two_videos_or_none_are_wrong_usage(argument, uri):
    document = DOCUMENT | {"video": {"uri": uri} if uri else {}}
    with pytest.raises(typer.BadParameter, match="one of the two"):
        from_document(argument, json.dumps(document), {})


def test_a_document_that_is_no_request_names_its_fault():
    with pytest.raises(InvalidRequest, match=r"operations\[0\].prompt"):
        from_document(VIDEO, '{"operations": [{"operation": "pointing"}]}', {})
    with pytest.raises(typer.BadParameter, match="molmo2 info"):
        from_document(None, '{"info": true}', {})
