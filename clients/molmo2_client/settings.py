"""What a client is told once: where the server is, who asks, and how patiently."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from molmo2_client import limits
from molmo2_client.errors import InvalidRequest
from molmo2_contract.limits import MAX_TIMEOUT

Media = Literal["upload", "path", "uri"]
"""How a local file reaches the server: its bytes travel, its path does, or its URI there.

``media_prefixes`` say where the server has what lies here. A path that none of them begins is the
same there with "path", and an error with "uri".
"""

AbsolutePath = Annotated[
    str, AfterValidator(lambda path: os.path.abspath(os.path.expanduser(path)))
]

UserPath = BeforeValidator(lambda path: os.path.expanduser(path))
"""Marks a path that may begin with ``~``."""


def _leads_somewhere(there: str) -> str:
    if re.match(r"/|[A-Za-z][A-Za-z0-9+.-]*://", there) is None:
        raise ValueError(f"{there!r} must be an absolute path or a URI")
    return there


PathOrUri = Annotated[str, AfterValidator(_leads_somewhere)]


class Settings(BaseSettings):
    """Each field can come from the environment: ``MOLMO2_URL``, ``MOLMO2_TOKEN``, and so on."""

    model_config = SettingsConfigDict(env_prefix="MOLMO2_", frozen=True, extra="forbid")

    url: str = "http://127.0.0.1:8080"
    model: str = Field(
        "molmo2-demo",
        pattern=r"^[^/]+(/[^/]+)?$",
        description="Name of the archive served; NAME/VERSION where that is not the default one.",
    )
    token: SecretStr | None = None
    key_file: Annotated[Path, UserPath] | None = Field(
        None, description="TorchServe's key_file.json."
    )
    ca_file: Annotated[FilePath, UserPath] | None = Field(
        None, description="PEM of the authorities to trust with TLS; default: the system's."
    )
    timeout: float = Field(limits.TIMEOUT, gt=0, le=MAX_TIMEOUT)
    retries: int = Field(limits.RETRIES, ge=0, le=limits.MAX_RETRIES)
    retry_for: float | None = Field(
        None,
        ge=0,
        le=limits.MAX_RETRY_FOR,
        description="Seconds for which a server that is busy or away is asked again; default: "
        "retries attempts, within the timeout.",
    )
    media: Media = "upload"
    media_prefixes: dict[AbsolutePath, PathOrUri] = Field(
        {}, description="Folder here to the same there: a path, or a URI."
    )
    max_upload_bytes: int = Field(limits.MAX_UPLOAD_BYTES, gt=0)
    max_response_bytes: int = Field(limits.MAX_RESPONSE_BYTES, gt=0, lt=2**31)
    deadline_margin: float = Field(limits.DEADLINE_MARGIN, ge=0)
    connect_timeout: float = Field(limits.CONNECT_TIMEOUT, gt=0)

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Settings from the environment, under those that are given and not None.

        A token and ``retry_for`` of the environment do not count where a key file or ``retries``
        are given.

        Raises:
            InvalidRequest: naming the first setting at fault and its bound.
        """
        given = {name: value for name, value in given.items() if value is not None}
        try:
            settings = cls(**given)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            name = str(fault["loc"][0])  # and not the key or place in it
            said = fault["msg"].removeprefix("Value error, ")
            why = re.sub("^(Input|String) should", "must", said)
            raise InvalidRequest(
                f"{name}: {why} (given as {name}= or MOLMO2_{name.upper()})", field=name
            ) from None
        except SettingsError as error:
            raise InvalidRequest(
                f"the environment: {error}; MOLMO2_MEDIA_PREFIXES is JSON, "
                """'{"/here": "s3://there"}'""",
                field="media_prefixes",
            ) from None
        beaten = {
            "token": "key_file" in given and "token" not in given,
            "retry_for": "retries" in given and "retry_for" not in given,
        }
        return settings.model_copy(update={name: None for name, is_so in beaten.items() if is_so})
