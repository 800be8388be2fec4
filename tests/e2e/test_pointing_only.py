"""A checkpoint that was trained for one operation: the others are refused, and it is ready."""

import pytest
from watched import is_ready, until

from molmo2_client import InvalidRequest
from molmo2_demo.generate import generate

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def pointing_only(stage_a_server):
    with stage_a_server({"watched": True}, handler={"operations": ["pointing"]}) as stage:
        yield stage


def test_it_is_ready(pointing_only):
    until(lambda: is_ready(pointing_only.server), 60, "readiness")


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_what_it_was_not_trained_for_is_refused_with_a_reason_and_a_remedy(
    pointing_only, transport
):
    (video,) = generate(pointing_only.videos, 1, seed=3)
    with pointing_only.client(transport) as client:
        assert client.info().operations == ["pointing"]
        with pytest.raises(InvalidRequest, match="answers pointing only, not embed") as refused:
            client.ask(video.path, [{"operation": "embed"}])
        (result,) = client.ask(video.path, video.truth.operations[:1]).results
    assert refused.value.field == "operations[0].operation"
    assert "handler.operations" in refused.value.message
    assert result.points
