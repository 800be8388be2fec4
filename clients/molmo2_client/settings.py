"""What a client is told once: where the server is, who asks, and how patiently."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from molmo2_client import limits
from molmo2_client.errors import InvalidRequest
from molmo2_contract.limits import MAX_TIMEOUT

Media = Literal["upload", "path"]
"""How a local file reaches the server: its bytes travel, or its path does."""


class Settings(BaseSettings):
    """Each field can come from the environment: ``MOLMO2_URL``, ``MOLMO2_TOKEN``, and so on."""

    model_config = SettingsConfigDict(env_prefix="MOLMO2_", frozen=True, extra="forbid")

    url: str = "http://127.0.0.1:8080"
    model: str = Field("molmo2-demo", min_length=1, description="Name of the archive served.")
    token: SecretStr | None = None
    key_file: Path | None = Field(None, description="TorchServe's key_file.json.")
    timeout: float = Field(limits.TIMEOUT, gt=0, le=MAX_TIMEOUT)
    retries: int = Field(limits.RETRIES, ge=0, le=limits.MAX_RETRIES)
    media: Media = "upload"
    max_upload_bytes: int = Field(limits.MAX_UPLOAD_BYTES, gt=0)
    max_response_bytes: int = Field(limits.MAX_RESPONSE_BYTES, gt=0, lt=2**31)
    deadline_margin: float = Field(limits.DEADLINE_MARGIN, ge=0)
    connect_timeout: float = Field(limits.CONNECT_TIMEOUT, gt=0)

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Settings from the environment, under those that are given and not None.

        Raises:
            InvalidRequest: naming the first setting at fault and its bound.
        """
        given = {name: value for name, value in given.items() if value is not None}
        try:
            settings = cls(**given)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            name = ".".join(map(str, fault["loc"]))
            raise InvalidRequest(
                f"{name}: {fault['msg']} (given as {name}= or MOLMO2_{name.upper()})", field=name
            ) from None
        if "key_file" in given and "token" not in given:
            return settings.model_copy(update={"token": None})
        return settings
