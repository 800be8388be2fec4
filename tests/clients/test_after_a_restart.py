"""A TorchServe that is started again has new keys on the same ports."""

from dataclasses import replace

import pytest

from molmo2_client import ServerUnreachable
from molmo2_client.serving import Ports, running_server

pytestmark = pytest.mark.e2e

URI = "file:///a.mp4"
KINDS = ["sync-http", "sync-grpc", "async-http", "async-grpc"]


def test_clients_of_every_kind_go_on_after_a_restart(serve_echo, open_client, tmp_path_factory):
    options = replace(
        serve_echo, run_directory=tmp_path_factory.mktemp("again"), ports=Ports.unused()
    )
    with running_server(options) as server:
        clients = [open_client(kind, server, retries=5) for kind in KINDS]
        keys = {server.key_file.read_text()}
        assert [client.describe(URI, "before").text for client in clients] == ["before"] * 4
    for client in clients:
        with pytest.raises(ServerUnreachable):
            client.describe(URI, "meanwhile", timeout=0.5)
    with running_server(options) as server:
        keys.add(server.key_file.read_text())
        assert [client.describe(URI, "after").text for client in clients] == ["after"] * 4
    assert len(keys) == 2
