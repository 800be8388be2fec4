"""The server of the demo, where it cannot run; ``tests/e2e`` has the runs that succeed."""

import pytest
from molmo2_demo.server import ServerError, running_server


def test_a_server_that_ends_is_reported_with_the_end_of_its_log(tmp_path):
    missing = tmp_path / "store" / "missing.mar"

    with (
        pytest.raises(ServerError, match=r"the server ended; the end of .*server\.log"),
        running_server(missing, tmp_path / "run", readable=tmp_path),
    ):
        pytest.fail("there is no archive")
