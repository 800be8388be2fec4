"""A server whose engine knows why it cannot start says so, and is not waited for any longer."""

import pytest

from molmo2_client.serving import ServerFailed, running_server

pytestmark = pytest.mark.e2e


def test_an_engine_that_cannot_start_tells_why(prepare_a_server):
    told = "molmo2-demo cannot start: molmo2-engine: quantization='int9': Input should be 'none'"
    with (
        prepare_a_server(engine={"quantization": "int9"}, minWorkers=1, maxWorkers=1) as options,
        pytest.raises(ServerFailed, match=told),
        running_server(options),
    ):
        pass
