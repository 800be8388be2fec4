"""``molmo2 serve``: TorchServe on this machine, in the foreground."""

import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

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
from molmo2_client.serving.growing_logs import GrowingLogs
from molmo2_client.serving.new_keys import NewKeys
from molmo2_client.serving.options import LOG_BYTES, usual_properties

EXAMPLES = """
Examples:

  molmo2 serve --allow-root ~/videos

  molmo2 serve --model-store /srv/archives --run-directory /srv/second --http-port 9080
  --grpc-port 9070 --management-port 9081 --grpc-management-port 9071 --metrics-port 9082
  --health-port 9083 --grpc-health-port 9072

The second is for a server beside another one: each has a run directory and seven ports of its own.

Serves the archives of the model store until Ctrl-C or SIGTERM, which stop it in order: new requests
are told that it is overloaded, and those in flight are answered first. A second Ctrl-C stops it at
once. Tokens are in RUN_DIRECTORY/key_file.json, logs in RUN_DIRECTORY/*.log and
RUN_DIRECTORY/logs.
"""


def _port(what: str) -> Any:
    return typer.Option(min=1, max=65535, help=what)


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
    run_directory: Annotated[
        Path, typer.Option(help="Logs, tokens and sockets; one server's at a time.")
    ] = Path("run"),
    properties: Annotated[
        Path | None,
        typer.Option(
            help="TorchServe's configuration.",
            show_default="config.properties of the working folder, else molmo2's own",
        ),
    ] = None,
    http_port: Annotated[int, _port("Inference over HTTP.")] = Ports.http,
    grpc_port: Annotated[int, _port("Inference over gRPC.")] = Ports.grpc,
    management_port: Annotated[int, _port("TorchServe's management API.")] = Ports.management,
    grpc_management_port: Annotated[int, _port("The same over gRPC.")] = Ports.grpc_management,
    metrics_port: Annotated[int, _port("TorchServe's own metrics.")] = Ports.metrics,
    health_port: Annotated[int, _port("HTTP: /livez, /readyz and /metrics.")] = Ports.health,
    grpc_health_port: Annotated[int, _port("gRPC: grpc.health.v1.")] = Ports.grpc_health,
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
    renew_keys_every: Annotated[
        float,
        typer.Option(min=0, help="Seconds after which there is a new inference key; 0 keeps it."),
    ] = 0.0,
    on_new_keys: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Run by the shell at the start and after each renewal; MOLMO2_KEY_FILE is set.",
        ),
    ] = None,
    log_mib: Annotated[
        int,
        typer.Option(min=1, help="MiB of each log before it is turned over; 3 before it are kept."),
    ] = LOG_BYTES // 2**20,
    log_requests: Annotated[
        bool, typer.Option(help="Say each request's line on standard output, too.")
    ] = True,
) -> None:
    """Serves archives with TorchServe, and says when they really answer."""
    if (certificate is None) != (private_key is None):
        raise typer.BadParameter("give --certificate and --private-key, or neither")
    options = ServeOptions(
        model_store=model_store,
        models=model or (),
        run_directory=run_directory,
        properties=properties or usual_properties(),
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
        log_bytes=log_mib * 2**20,
        log_requests=log_requests,
        start_timeout=start_timeout,
        watched=True,
        grace=grace,
        renew_keys_every=renew_keys_every,
    )
    # A process manager's SIGTERM ends it as Ctrl-C does, also while the models still load.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running_server(options, typer.echo) as server:
            _welcome(server)
            _serve_until_stopped(server, on_new_keys)
        typer.echo("stopped")
    except ServerFailed as error:
        _warn(str(error))
        sys.exit(exit_codes.REQUEST_FAILED)
    except KeyboardInterrupt:
        typer.echo("stopped")


def _serve_until_stopped(server: RunningServer, on_new_keys: str | None) -> None:
    assert server.beside is not None
    logs = GrowingLogs(server.options.run, server.options.log_bytes)
    keys = NewKeys(server.key_file, on_new_keys, _warn) if on_new_keys else None
    while server.process.poll() is None:
        server.beside.keep()
        logs.turn_over()
        if keys is not None:
            keys.look()
        time.sleep(1)
    raise ServerFailed(
        f"TorchServe ended with status {server.process.returncode}; its log is {server.log}"
    )


def _warn(fault: str) -> None:
    typer.echo(f"molmo2: {fault}", err=True)


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
