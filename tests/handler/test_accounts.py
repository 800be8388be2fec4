"""What is counted and logged of a request."""

import json
import logging

import pytest
from prometheus_client import REGISTRY

from molmo2_contract.errors import InternalError
from molmo2_engine.client.canary import CANARY
from molmo2_handler.accounts import Accounts


@pytest.fixture
def accounts(request):
    return Accounts(request.node.name, "1.0", "cpu-0123abcd")


def value(accounts, name, **labels):
    return REGISTRY.get_sample_value(
        name, {"model": accounts._model[0], "version": "1.0", **labels}
    )


def test_a_request_is_counted_by_transport_and_outcome(accounts):
    with accounts.request("grpc", "r-1"):
        pass
    with accounts.request("http", "r-2") as account:
        account.outcome = "overloaded"
    count = "molmo2_requests_total"
    assert value(accounts, count, transport="grpc", outcome="ok") == 1
    assert value(accounts, count, transport="http", outcome="overloaded") == 1
    assert value(accounts, "molmo2_request_seconds_count", transport="grpc") == 1


def test_a_request_is_ok_when_any_operation_was_answered(accounts, caplog):
    caplog.set_level(logging.INFO)
    failure = InternalError("no").to_wire()
    for number, results in enumerate([(failure, None), (None, failure), (failure, failure)]):
        with accounts.request("http", f"r-{number}") as account:
            account.operations = ["describe", "embed"]
            for result in results:
                account.result(result)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [(line["outcome"], line["failed"]) for line in lines] == [
        ("ok", 1),
        ("ok", 1),
        ("internal", 2),
    ]
    count = "molmo2_requests_total"
    assert value(accounts, count, transport="http", outcome="ok") == 2
    assert value(accounts, count, transport="http", outcome="internal") == 1


def test_what_the_server_asks_itself_runs_and_is_no_request(accounts, caplog):
    caplog.set_level(logging.INFO)
    with accounts.request("http", CANARY), accounts.running():
        assert value(accounts, "molmo2_requests_running") == 1
    assert caplog.records
    assert value(accounts, "molmo2_requests_total", transport="http", outcome="ok") is None
    assert value(accounts, "molmo2_request_seconds_count", transport="http") is None


def test_workers_are_counted_by_their_engine(accounts):
    assert value(accounts, "molmo2_engine_workers", engine="cpu-0123abcd") == 1


def test_a_question_about_the_server_is_no_request(accounts):
    with accounts.request("http", "r-1") as account:
        account.outcome = None
    assert value(accounts, "molmo2_requests_total", transport="http", outcome="ok") is None


def test_what_runs_is_counted_while_it_runs_and_not_after_it_failed(accounts):
    def fail():
        with accounts.running():
            assert value(accounts, "molmo2_requests_running") == 1
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert value(accounts, "molmo2_requests_running") == 0


def test_the_cpu_time_of_decoding_is_counted(accounts):
    total = accounts.decoding(lambda n: sum(i * i for i in range(n)))(300_000)
    assert total > 0
    assert value(accounts, "molmo2_decode_cpu_seconds_total") > 0


def test_the_log_has_a_line_a_request_that_says_nothing_of_its_content(accounts, caplog):
    caplog.set_level(logging.INFO)
    with accounts.request("http", "r-1\nforged") as account:
        account.operations = ["describe", "embed"]
    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert "\n" not in record.getMessage()
    assert line.pop("seconds") >= 0
    assert line == {
        "request_id": "r-1\nforged",
        "outcome": "ok",
        "transport": "http",
        "operations": ["describe", "embed"],
        "failed": 0,
        "stream": False,
    }


def test_the_log_has_the_question_too_where_the_operator_wants_it(accounts, caplog):
    caplog.set_level(logging.INFO)
    with accounts.request("http", "r-1") as account:
        account.question = {"operations": [{"operation": "describe", "prompt": "Who is it?"}]}
    (record,) = caplog.records
    assert json.loads(record.getMessage())["question"]["operations"][0]["prompt"] == "Who is it?"
