"""The line that the engine's log has for each request."""

import json
import logging

import pytest

from molmo2_contract.errors import ErrorKind
from molmo2_engine.request_log import logged
from molmo2_engine.wire import engine_pb2 as wire

ASKED = wire.AnswerRequest(
    request_id="r-1\nforged",
    operations=[wire.Operation(generation=wire.Generation(prompt="the prompt"))] * 2,
)


def lines(caplog):
    return [json.loads(record.getMessage()) for record in caplog.records]


def test_it_has_the_requests_id_and_what_it_came_to_and_no_prompt(caplog):
    caplog.set_level(logging.INFO)
    with logged(ASKED) as line:
        line.fail(ErrorKind.INTERNAL)
    (told,) = lines(caplog)
    assert told.pop("seconds") >= 0
    assert told == {"request_id": "r-1\nforged", "outcome": "ok", "operations": 2, "failed": 1}
    assert "\n" not in caplog.records[0].getMessage()


def test_a_call_that_breaks_off_has_its_line_too(caplog):
    caplog.set_level(logging.INFO)

    def break_off() -> None:
        with logged(ASKED) as line:
            line.outcome = "not_held"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert [told["outcome"] for told in lines(caplog)] == ["not_held"]


@pytest.mark.parametrize(
    ("end", "outcome"), [(RuntimeError, "internal"), (GeneratorExit, "cancelled")]
)
def test_what_ends_without_a_word_is_not_ok(caplog, end, outcome):
    caplog.set_level(logging.INFO)
    with pytest.raises(end), logged(ASKED):
        raise end
    assert [told["outcome"] for told in lines(caplog)] == [outcome]


def test_a_request_whose_operations_all_failed_is_not_ok(caplog):
    caplog.set_level(logging.INFO)
    with logged(ASKED) as line:
        line.fail(ErrorKind.OVERLOADED)
        line.fail(ErrorKind.INTERNAL)
    (told,) = lines(caplog)
    assert (told["outcome"], told["failed"]) == ("internal", 2)
