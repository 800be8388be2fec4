"""What an operator may set for the request workers, in ``model-config.yaml`` or the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from molmo2_contract.operations import OperationName
from molmo2_handler.video import VideoLimits


class HandlerSettings(BaseSettings):
    """The ``handler`` section of ``model-config.yaml``.

    The environment beats the file, so that one archive serves in many places:
    ``MOLMO2_HANDLER_MAX_REQUEST_BYTES=2097152``,
    ``MOLMO2_HANDLER_VIDEO__ALLOWED_ROOTS='["/data"]'``.
    """

    model_config = SettingsConfigDict(
        env_prefix="MOLMO2_HANDLER_", env_nested_delimiter="__", extra="forbid"
    )

    video: VideoLimits = VideoLimits()
    max_request_bytes: int = Field(2**20, ge=1024, description="Bytes of a request's JSON.")
    max_timeout: float = Field(
        600.0, gt=0, description="Seconds; keep it below TorchServe's responseTimeout."
    )
    worker_heartbeat_timeout: float = Field(
        10.0,
        gt=3,
        description="Seconds after which a worker is killed and started anew: without a sign of "
        "life, or with a request that is as much past its timeout.",
    )
    engine_start_timeout: float = Field(
        600.0, gt=0, description="Seconds in which an engine must have loaded its model."
    )
    frame_cache_bytes: int = Field(
        2**30,
        ge=0,
        description="Bytes of sampled frames kept for all workers in the run directory; 0: none.",
    )
    log_questions: bool = Field(
        False,
        description="Also logs what each request asks, its prompts and the address of its video.",
    )
    most_waiting_elsewhere: int = Field(
        8,
        ge=-1,
        description="Requests and operations that may wait at another GPU's engine for a request "
        "about a video that only that one holds to go there; -1: never there.",
    )
    checkpoint: str | None = Field(
        None, description="What answers name as the checkpoint; default: the engine's."
    )
    operations: list[OperationName] | None = Field(
        None,
        min_length=1,
        description="What is answered, e.g. [pointing] for a checkpoint that was trained for "
        "nothing else; default: everything.",
    )
    reference: bool = Field(
        False,
        description="Answers with the released checkpoint's own code under transformers 4.57.1, "
        "slowly, to compare; engine.checkpoint must be a local folder with that code.",
    )
    reference_python: Path | None = Field(
        None,
        description="The Python of an environment for it: pip install "
        "'molmo2-torchserve[reference]'.",
    )
    run_directory: Path | None = Field(
        None, description="Where the engine's socket and log lie; default: a folder in /tmp."
    )

    @model_validator(mode="after")
    def _reference_has_a_python(self) -> Self:
        if self.reference and not (self.reference_python and self.reference_python.is_file()):
            raise ValueError(
                f"reference: wants reference_python, and {self.reference_python} is no Python; "
                "name that of an environment made by pip install 'molmo2-torchserve[reference]'"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings
