"""One class for each kind of error, the same on both sides of the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from molmo2_contract import errors
from molmo2_contract.errors import Error, ErrorKind, Molmo2Error, from_wire
from molmo2_contract.response import ErrorResponse

STATUSES = {
    ErrorKind.INVALID_REQUEST: 400,
    ErrorKind.UNAUTHORIZED: 401,
    ErrorKind.VIDEO_FORBIDDEN: 403,
    ErrorKind.VIDEO_NOT_FOUND: 404,
    ErrorKind.VIDEO_UNREADABLE: 422,
    ErrorKind.VIDEO_TOO_LONG: 422,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.OVERLOADED: 503,
    ErrorKind.DEADLINE_EXCEEDED: 504,
    ErrorKind.ENGINE_UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
}
CLASSES = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, Molmo2Error) and found is not Molmo2Error
]


def test_every_kind_has_exactly_one_class() -> None:
    assert sorted(found.kind for found in CLASSES) == sorted(ErrorKind)


def test_a_class_is_named_after_its_kind() -> None:
    for found in CLASSES:
        assert found.__name__.lower().removesuffix("error") == found.kind.replace("_", "")


@pytest.mark.parametrize("found", CLASSES)
def test_a_kind_has_its_http_status(found: type[Molmo2Error]) -> None:
    assert found.http_status == STATUSES[found.kind]


@pytest.mark.parametrize("kind", ErrorKind)
@given(
    message=st.text(),
    field=st.none() | st.text(),
    retry_after=st.none() | st.floats(0, 1e6),
    request_id=st.none() | st.text(),
)
def test_an_error_is_raised_again_as_what_it_was(
    kind: ErrorKind,
    message: str,
    field: str | None,
    retry_after: float | None,
    request_id: str | None,
) -> None:
    sent = Error(kind=kind, message=message, field=field, retry_after=retry_after)
    raised = from_wire(Error.model_validate_json(sent.model_dump_json()), request_id)
    assert type(raised).kind is kind
    assert str(raised) == raised.message == message
    assert (raised.field, raised.retry_after, raised.request_id) == (
        field,
        retry_after,
        request_id,
    )
    assert raised.to_wire() == sent


def test_every_error_is_caught_as_the_base_of_the_tree() -> None:
    for kind in ErrorKind:
        with pytest.raises(Molmo2Error, match="why"):
            raise from_wire(Error(kind=kind, message="why"))


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"kind": "bored", "message": "why"}}',
        '{"error": {"kind": "internal"}}',
        '{"error": {"kind": "internal", "message": "why", "retry_after": -1}}',
        '{"error": {"kind": "internal", "message": "why"}, "code": 500}',
    ],
)
def test_a_body_that_the_contract_does_not_know_is_no_error_of_it(body: str) -> None:
    with pytest.raises(ValidationError):
        ErrorResponse.model_validate_json(body)
