"""Builds an engine from its settings: checkpoint, layout, slots, prefixes."""

from dataclasses import dataclass

import torch

from molmo2_engine.admission import Admission
from molmo2_engine.engine import Engine
from molmo2_engine.kv.prefix_store import PrefixStore
from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.formats import FrameFormat, ImageFormat
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire


@dataclass(frozen=True)
class Assembly:
    """An engine, who lets requests in, and what both were built from."""

    engine: Engine
    admission: Admission
    checkpoint: Checkpoint
    layout: Layout
    description: wire.Description


def assemble(settings: EngineSettings) -> Assembly:
    """Loads the checkpoint and reserves the KV cache.

    Raises:
        NotMolmo2: if the checkpoint is not one.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    checkpoint = checkpoints.load(
        settings.checkpoint, settings.revision, settings.device, settings.dtype
    )
    text = checkpoint.model.config.text_config
    layout = Layout(
        checkpoint.tokenizer,
        FrameFormat.read(checkpoint.folder),
        ImageFormat.read(checkpoint.folder),
    )
    context = min(settings.max_context_tokens, text.max_position_embeddings)
    video = min(settings.max_prefix_tokens, context)
    engine = Engine(
        ModelRunner(
            checkpoint,
            layout,
            slots=settings.max_sequences,
            slot_tokens=context,
            frames_at_once=settings.frames_per_encoding,
        ),
        PrefixStore(settings.max_prefix_tokens),
        end_tokens=checkpoint.end_tokens,
        max_waiting=settings.max_waiting_requests,
        tokens_per_progress=settings.tokens_per_progress,
    )
    return Assembly(
        engine=engine,
        admission=Admission(layout, max_video_tokens=video, max_context_tokens=context),
        checkpoint=checkpoint,
        layout=layout,
        description=wire.Description(
            checkpoint=checkpoint.name,
            revision=checkpoint.revision or "",
            frame_size=layout.frame_format.size,
            max_video_tokens=video,
            max_context_tokens=context,
            max_concurrent_sequences=settings.max_sequences,
            embedding_dimension=text.hidden_size,
        ),
    )
