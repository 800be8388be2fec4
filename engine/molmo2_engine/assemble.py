"""Builds an engine from its settings: checkpoint, layout, KV pages, loop, metrics."""

from dataclasses import dataclass, fields

import torch
from prometheus_client import CollectorRegistry

from molmo2_engine.admission import Admission
from molmo2_engine.devices import devices_of, usable_memory
from molmo2_engine.generation.grammar import GrammarCompiler, read_vocabulary
from molmo2_engine.kv.sizing import count_pages
from molmo2_engine.loop.engine import Engine
from molmo2_engine.loop.limits import LoopLimits
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.metrics.gauges import Gauges
from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model.activations import largest_prefill
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.pooling import ZOO_PROMPT
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.formats import FrameFormat, ImageFormat
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire


@dataclass(frozen=True)
class Assembly:
    """An engine, who lets requests in, and what both were built from."""

    engine: Engine
    metrics: CollectorRegistry
    admission: Admission
    grammars: GrammarCompiler
    checkpoint: Checkpoint
    layout: Layout
    description: wire.Description


def assemble(settings: EngineSettings) -> Assembly:
    """Loads the checkpoint and reserves the KV cache.

    Raises:
        CheckpointRefused: if the checkpoint cannot be served as the settings say.
        CacheTooSmall: if its KV cache could not hold the longest request.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    checkpoint = checkpoints.load(
        settings.checkpoint,
        settings.revision,
        settings.device,
        settings.dtype,
        settings.quantization,
        _spread(settings),
    )
    text = checkpoint.model.config.text_config
    layout = Layout(
        checkpoint.tokenizer,
        FrameFormat.read(checkpoint.folder),
        ImageFormat.read(checkpoint.folder),
    )
    context = min(settings.max_context_tokens, text.max_position_embeddings)
    runner = _runner(settings, checkpoint, layout, context)
    grammars = _grammars(settings, checkpoint)
    registry = CollectorRegistry()
    limits = LoopLimits(**settings.model_dump(include={f.name for f in fields(LoopLimits)}))
    engine = Engine(runner, checkpoint.end_tokens, limits, Counters(registry))
    registry.register(Gauges(engine, *devices_of(settings)))
    return Assembly(
        engine=engine,
        metrics=registry,
        admission=Admission(
            layout,
            grammars,
            max_video_tokens=context,
            max_context_tokens=context,
        ),
        grammars=grammars,
        checkpoint=checkpoint,
        layout=layout,
        description=wire.Description(
            checkpoint=checkpoint.name,
            revision=checkpoint.revision or "",
            frame_size=layout.frame_format.size,
            max_video_tokens=context,
            max_context_tokens=context,
            max_concurrent_sequences=settings.max_sequences,
            embedding_dimension=text.hidden_size,
        ),
    )


def _spread(settings: EngineSettings) -> list[tuple[torch.device, int]] | None:
    """The GPUs that a model is laid over, and what it may take of each."""
    if settings.gpus_per_engine == 1:
        return None
    return [(device, usable_memory(device, settings)) for device in devices_of(settings)]


def _runner(
    settings: EngineSettings, checkpoint: Checkpoint, layout: Layout, context: int
) -> ModelRunner:
    how = {
        "page_tokens": settings.page_tokens,
        "frames_at_once": settings.frames_per_encoding,
    }
    activations = 0
    if checkpoint.device.type == "cuda":
        torch.cuda.set_device(checkpoint.device)  # where this thread's kernels and graphs run
        activations = largest_prefill(checkpoint, layout, tokens=context, **how)
    pages = count_pages(settings, checkpoint, context, activations)
    behind = layout.question(ZOO_PROMPT) if settings.embedding_tokens == "all" else []
    runner = ModelRunner(checkpoint, layout, pages=pages, embedded_behind=behind, **how)
    if settings.decode_graphs:
        runner.capture_decoding(settings.max_sequences, context)
    return runner


def _grammars(settings: EngineSettings, checkpoint: Checkpoint) -> GrammarCompiler:
    rows = checkpoint.model.lm_head.out_features
    return GrammarCompiler(
        read_vocabulary(checkpoint.tokenizer, rows, checkpoint.end_tokens),
        max_grammars=settings.max_grammars,
        max_seconds=settings.max_grammar_seconds,
    )
