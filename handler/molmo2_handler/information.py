"""What a server says about itself."""

from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.response import ModelInfo, ServerInfo, ServerLimits
from molmo2_engine.client import EngineConnection
from molmo2_handler.settings import HandlerSettings

_ENGINE_TIMEOUT = 10.0
"""Seconds for an engine that was lost to be found again; an answer means that it lives."""


def server_info(
    engine: EngineConnection, settings: HandlerSettings, model: ModelInfo
) -> ServerInfo:
    """Asks the engine now, so that an answer means that it can generate.

    Raises:
        EngineUnavailable: if the engine is away and not back in 10 s.
    """
    description = engine.describe(timeout=_ENGINE_TIMEOUT)
    return ServerInfo(
        model=model,
        operations=list(settings.operations or OPERATION_NAMES),
        limits=ServerLimits(
            max_request_bytes=settings.max_request_bytes,
            max_video_bytes=settings.video.max_video_bytes,
            max_timeout=settings.max_timeout,
            max_video_tokens=description.max_video_tokens,
            max_context_tokens=description.max_context_tokens,
            max_concurrent_sequences=description.max_concurrent_sequences,
        ),
        embedding_dimension=description.embedding_dimension,
    )
