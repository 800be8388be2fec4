"""Answers of TorchServe 0.12 as it gave them, and of gateways in front of it."""

import json

import httpx2
import pytest

from molmo2_client import errors
from molmo2_client.transport.http_refusals import refusal


def _of_torchserve(status, kind, message):
    body = json.dumps({"code": status, "type": kind, "message": message}, indent=2) + "\n"
    return httpx2.Response(status, text=body, headers={"content-type": "application/json"})


UNKNOWN_TOKEN = _of_torchserve(
    400,
    "InvalidKeyException",
    "Token Authorization failed. Token either incorrect, expired, or not provided correctly",
)
UNKNOWN_MODEL = _of_torchserve(404, "ModelNotFoundException", "Model not found: molmo2")
FULL_QUEUE = _of_torchserve(
    503,
    "ServiceUnavailableException",
    'Model "molmo2" has no worker to serve inference request. Please use scale workers API to add'
    " workers. If this is a sequence inference, please check if it is closed, or expired; or"
    " exceeds maxSequenceJobQueueSize",
)
DEAD_WORKER = _of_torchserve(500, "InternalServerException", "Worker died.")
KILLED_WORKER = _of_torchserve(507, "InternalServerException", "Worker died.")
RAISED = _of_torchserve(503, "InternalServerException", "Prediction failed")
NO_MEMORY = _of_torchserve(507, "OutOfMemoryError", "Out of resources")


@pytest.mark.parametrize(
    ("response", "error", "says"),
    [
        (UNKNOWN_TOKEN, errors.Unauthorized, "key_file.json"),
        (UNKNOWN_MODEL, errors.InvalidRequest, "no model 'molmo2'"),
        (FULL_QUEUE, errors.Overloaded, "jobQueueSize"),
        (DEAD_WORKER, errors.WorkerDied, "worker ended"),
        (KILLED_WORKER, errors.WorkerDied, "worker ended"),
        (RAISED, errors.InternalError, "handler failed"),
        (NO_MEMORY, errors.InternalError, "507"),
        (httpx2.Response(413), errors.TooLarge, "max_request_size"),
    ],
)
def test_each_refusal_of_torchserve_has_its_error(response, error, says):
    raised = refusal(response, "molmo2")
    assert type(raised) is error
    assert says in raised.message


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, errors.Unauthorized),
        (403, errors.Unauthorized),
        (404, errors.ProtocolError),
        (405, errors.ProtocolError),
        (429, errors.Overloaded),
        (500, errors.InternalError),
        (502, errors.ServerUnreachable),
        (503, errors.ServerUnreachable),
        (504, errors.DeadlineExceeded),
        (302, errors.ProtocolError),
        (200, errors.ProtocolError),
    ],
)
def test_each_status_of_a_gateway_has_its_error(status, error):
    raised = refusal(httpx2.Response(status, html="<h1>a gateway</h1>"), "molmo2")
    assert type(raised) is error
    assert str(status) in raised.message or error is errors.Unauthorized


@pytest.mark.parametrize(("header", "wait"), [("7", 7), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
def test_the_seconds_of_retry_after_are_kept(header, wait):
    response = httpx2.Response(429, headers={"retry-after": header})
    assert refusal(response, "molmo2").retry_after == wait


@pytest.mark.parametrize("status", [200, 400, 422, 503])
def test_an_error_in_the_body_goes_before_the_status(status):
    body = {"error": {"kind": "video_unreadable", "message": "no video"}, "request_id": "r"}
    with pytest.raises(errors.VideoUnreadable, match="no video") as raised:
        refusal(httpx2.Response(status, json=body), "molmo2")
    assert raised.value.request_id == "r"
