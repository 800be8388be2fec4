"""Statuses and details of TorchServe 0.12 and of grpcio, as they gave them."""

import grpc
import pytest
from grpc import StatusCode

from molmo2_client import errors
from molmo2_client.address import Address
from molmo2_client.call import Call
from molmo2_client.transport.grpc_refusals import refusal

UNKNOWN_TOKEN = "Token Authorization failed. Token either incorrect, expired, or not provided"
UNKNOWN_MODEL = "Model not found: molmo2\norg.pytorch.serve.archive.model.ModelNotFoundException"
FULL_QUEUE = (
    'Model "molmo2" has no worker to serve inference request. Please use scale workers API to add'
    " workers. If this is a sequence inference, please check if it is closed, or expired; or"
    " exceeds maxSequenceJobQueueSize\nInternalServerException.()"
)
DEAD_WORKER = "Worker died.\norg.pytorch.serve.http.InternalServerException"
RAISED = "Prediction failed\norg.pytorch.serve.http.InternalServerException"
TOO_LARGE = "Stream removed (RST_STREAM (Received RST_STREAM with error code 8))"
LARGE_ANSWER = "Stream removed (CLIENT: Received message larger than max (1500004 vs. 1000000))"
REFUSED = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect"
    " to remote host: Connection refused"
)
HTTP_PORT = (
    "failed to connect to all addresses; last error: INTERNAL: ipv4:127.0.0.1:8080: Failed parsing"
    " HTTP/2 (Expected SETTINGS frame as the first frame, got frame type 80) (Trying to connect an"
    " http1.x server (HTTP status 400))"
)


@pytest.mark.parametrize(
    ("status", "details", "error", "says"),
    [
        (StatusCode.PERMISSION_DENIED, UNKNOWN_TOKEN, errors.Unauthorized, "key_file.json"),
        (StatusCode.UNAUTHENTICATED, "", errors.Unauthorized, "key_file.json"),
        (StatusCode.INTERNAL, UNKNOWN_MODEL, errors.InvalidRequest, "no model 'molmo2'"),
        (StatusCode.INTERNAL, FULL_QUEUE, errors.Overloaded, "jobQueueSize"),
        (StatusCode.INTERNAL, DEAD_WORKER, errors.WorkerDied, "worker ended"),
        (StatusCode.RESOURCE_EXHAUSTED, DEAD_WORKER, errors.WorkerDied, "worker ended"),
        (StatusCode.INTERNAL, "Out of resources", errors.InternalError, "Out of resources"),
        (StatusCode.UNAVAILABLE, RAISED, errors.InternalError, "handler failed"),
        (StatusCode.CANCELLED, TOO_LARGE, errors.TooLarge, "max_request_size"),
        (StatusCode.RESOURCE_EXHAUSTED, LARGE_ANSWER, errors.TooLarge, "max_response_bytes"),
        (StatusCode.DEADLINE_EXCEEDED, "", errors.DeadlineExceeded, "within 5.0 s"),
        (StatusCode.UNAVAILABLE, REFUSED, errors.ServerUnreachable, "Connection refused"),
        (StatusCode.UNAVAILABLE, HTTP_PORT, errors.ProtocolError, "is it the HTTP port"),
        (StatusCode.UNIMPLEMENTED, "", errors.ProtocolError, "UNIMPLEMENTED"),
        (StatusCode.CANCELLED, "Channel closed!", errors.ProtocolError, "Channel closed!"),
    ],
)
def test_each_status_has_its_error(status, details, error, says):
    raised = _refusal(status, details)
    assert type(raised) is error
    assert says in raised.message


@pytest.mark.parametrize("status", [one for one in StatusCode if one is not StatusCode.OK])
def test_no_status_is_left_without_an_error_of_one_line(status):
    raised = _refusal(status, "something\norg.pytorch.serve.Anything")
    assert isinstance(raised, errors.Molmo2Error)
    assert "\n" not in raised.message


def _refusal(status: grpc.StatusCode, details: str) -> errors.Molmo2Error:
    address = Address.parse("grpc://127.0.0.1:7070")
    return refusal(status, details, address=address, call=Call(b"{}", 5.0), model="molmo2")
