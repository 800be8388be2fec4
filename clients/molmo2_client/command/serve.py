"""``molmo2 serve``: TorchServe on this machine, in the foreground."""

import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from molmo2_client.command import exit_codes
from molmo2_client.serving import (
    Ports,
    RunningServer,
    ServeOptions,
    ServerFailed,
    Tls,
    running_server,
)

EXAMPLES = """
Examples:

  molmo2 serve --allow-root ~/videos

  molmo2 serve --model-store /srv/archives --http-port 9080 --grpc-port 9070

Serves the archives of the model store until Ctrl-C or SIGTERM, which stop it in order: new requests
are told that it is overloaded, and those in flight are answered first. A second Ctrl-C stops it at
once. Tokens are in RUN_DIRECTORY/key_file.json.
"""

Port = Annotated[int, typer.Option(min=1, max=65535)]


def serve(
    model_store: Annotated[Path, typer.Option(help="Folder of the archives (*.mar).")] = (
        Path("model-store")
    ),
    model: Annotated[
        list[str] | None,
        typer.Option(help="Serve only this archive of the store; repeat for several."),
    ] = None,
    allow_root: Annotated[
        list[Path] | None,
        typer.Option(help="Folder whose videos a request may name; repeat for several."),
    ] = None,
    run_directory: Annotated[Path, typer.Option(help="Logs, tokens and sockets.")] = Path("run"),
    properties: Annotated[Path, typer.Option(help="TorchServe's configuration.")] = (
        Path("config.properties")
    ),
    http_port: Port = Ports.http,
    grpc_port: Port = Ports.grpc,
    management_port: Port = Ports.management,
    grpc_management_port: Port = Ports.grpc_management,
    metrics_port: Port = Ports.metrics,
    health_port: Annotated[
        int, typer.Option(min=1, max=65535, help="HTTP: /livez, /readyz and /metrics.")
    ] = Ports.health,
    grpc_health_port: Annotated[
        int, typer.Option(min=1, max=65535, help="gRPC: grpc.health.v1.")
    ] = Ports.grpc_health,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM; with --private-key, HTTP and gRPC speak TLS.")
    ] = None,
    private_key: Annotated[Path | None, typer.Option(help="PEM: RSA, PKCS#8.")] = None,
    start_timeout: Annotated[
        float, typer.Option(help="Seconds until every model must answer.")
    ] = 900.0,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds for the requests in flight when it is stopped.")
    ] = 30.0,
) -> None:
    """Serves archives with TorchServe, and says when they really answer."""
    if (certificate is None) != (private_key is None):
        raise typer.BadParameter("give --certificate and --private-key, or neither")
    options = ServeOptions(
        model_store=model_store,
        models=model or (),
        run_directory=run_directory,
        properties=properties,
        ports=Ports(
            http_port,
            grpc_port,
            management_port,
            grpc_management_port,
            metrics_port,
            health_port,
            grpc_health_port,
        ),
        allowed_roots=allow_root or (),
        tls=Tls(certificate, private_key) if certificate and private_key else None,
        start_timeout=start_timeout,
        watched=True,
        grace=grace,
    )
    # A process manager's SIGTERM ends it as Ctrl-C does, also while the models still load.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running_server(options, typer.echo) as server:
            _welcome(server)
            _serve_until_stopped(server)
        typer.echo("stopped")
    except ServerFailed as error:
        typer.echo(f"molmo2: {error}", err=True)
        sys.exit(exit_codes.REQUEST_FAILED)
    except KeyboardInterrupt:
        typer.echo("stopped")


def _serve_until_stopped(server: RunningServer) -> None:
    assert server.beside is not None
    while server.process.poll() is None:
        server.beside.keep()
        time.sleep(1)
    raise ServerFailed(
        f"TorchServe ended with status {server.process.returncode}; its log is {server.log}"
    )


def _welcome(server: RunningServer) -> None:
    typer.echo(
        f"""
serving {", ".join(server.models)}
  HTTP   {server.http_url}
  gRPC   {server.grpc_url}
  health {server.health_url}/readyz, metrics {server.health_url}/metrics
  tokens {server.key_file}

  export MOLMO2_URL={server.http_url} MOLMO2_MODEL={server.models[0]}
  export MOLMO2_KEY_FILE={server.key_file}
  molmo2 ask VIDEO --operation describe --prompt "What happens in this video?"

Ctrl-C stops it.
"""
    )
