"""Everything that the process beside TorchServe can be told; also its command line."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class OpsSettings(BaseSettings):
    """Watches one TorchServe: tells its health and its metrics, heals it, and drains it.

    SIGTERM begins the drain; the process ends when what was in flight is answered.
    """

    model_config = SettingsConfigDict(
        env_prefix="MOLMO2_OPS_",
        cli_prog_name="molmo2-ops",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        use_attribute_docstrings=True,
        extra="forbid",
    )

    run_directory: Path
    """The run directory of the TorchServe that is watched: sockets, tokens, counters."""
    inference: str = "http://127.0.0.1:8080"
    """TorchServe's inference address."""
    management: str = "http://127.0.0.1:8081"
    """TorchServe's management address."""
    grpc_port: int = Field(7070, ge=1, le=65535)
    """TorchServe's port of gRPC inference; nothing is sent there, only looked at when draining."""
    certificate: Path | None = None
    """PEM to trust for the inference address where that is https; default: the system's."""
    address: str = "127.0.0.1"
    """Where health and metrics are told."""
    health_port: int = Field(8083, ge=1, le=65535)
    """HTTP: /livez, /readyz and /metrics."""
    grpc_health_port: int = Field(7072, ge=1, le=65535)
    """gRPC: grpc.health.v1, with one service a model beside the server itself."""
    interval: float = Field(1.0, gt=0, le=60)
    """Seconds between two looks at the server."""
    canary_interval: float = Field(5.0, gt=0)
    """Seconds without progress of any work after which a token is generated to see."""
    canary_timeout: float = Field(10.0, gt=0)
    """Seconds in which that token must come."""
    proof_seconds: float = Field(30.0, gt=0)
    """A server is ready for so long after it was last seen to generate."""
    hopeless_seconds: float = Field(3600.0, gt=0)
    """A server that has not been ready for so long is not alive either: above the longest load."""
    patience: float = Field(2.0, ge=0)
    """Seconds that a worker must be lost before it is replaced; TorchServe may do so by itself."""
    retry_seconds: float = Field(90.0, gt=0)
    """Seconds without its process after which TorchServe is taken to have given a worker up: above
    its longest pause between two attempts, 55 s."""
    exit_with: int | None = None
    """Process id; when that process has ended, the server is drained as after SIGTERM."""
    renew_keys_every: float = Field(0.0, ge=0)
    """Seconds after which TorchServe makes a new inference key and writes it into its key file;
    clients who were given the file read it again. 0 leaves the key as it is."""
    grace: float = Field(30.0, ge=0)
    """Seconds that requests in flight get when the server is stopped."""

    @field_validator("inference")
    @classmethod
    def _names_a_port(cls, address: str) -> str:
        if urlsplit(address).port is None:
            raise ValueError(f"names no port, as in http://127.0.0.1:8080: {address}")
        return address

    @model_validator(mode="after")
    def _looks_before_proof_is_old(self) -> Self:
        if self.interval >= self.proof_seconds:
            raise ValueError(
                f"interval ({self.interval:g} s) must be below proof_seconds "
                f"({self.proof_seconds:g} s): what was seen would be old before the next look"
            )
        return self

    @property
    def inference_ports(self) -> tuple[int, int]:
        """Of HTTP and gRPC."""
        port = urlsplit(self.inference).port
        assert port is not None
        return port, self.grpc_port
