"""Runs TorchServe on this machine; what ``molmo2 serve`` is made of."""

from molmo2_client.serving.configuration import Ports, Tls
from molmo2_client.serving.options import ServeOptions, ServerFailed
from molmo2_client.serving.server import RunningServer, running_server

__all__ = ["Ports", "RunningServer", "ServeOptions", "ServerFailed", "Tls", "running_server"]
