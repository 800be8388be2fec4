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
from molmo2_engine.model.refused import CheckpointRefused, is_out_of_memory, refused_if_unfit
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.formats import FrameFormat, ImageFormat
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire

FIRST_QUESTION = "Describe this video."
"""What an engine is asked before it serves."""


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
        settings.verify_weights,
    )
    text = checkpoint.model.config.text_config
    layout = _layout(checkpoint)
    context = min(settings.max_context_tokens, text.max_position_embeddings)
    _require_room(layout, context)
    try:
        runner = _runner(settings, checkpoint, layout, context)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise CheckpointRefused(
            f"{checkpoint.device} has no memory for the longest request beside the weights of "
            f"{settings.checkpoint}; lower max_context_tokens ({context}), cache_tokens or "
            "frames_per_encoding, or name a larger GPU"
        ) from error
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


def _layout(checkpoint: Checkpoint) -> Layout:
    formats = FrameFormat.read(checkpoint.folder), ImageFormat.read(checkpoint.folder)
    with refused_if_unfit(f"{checkpoint.folder}: its tokenizer and chat template write no prompt"):
        layout = Layout(checkpoint.tokenizer, *formats)
        if None in layout.video_prefix([0.0])[0]:
            raise ValueError("tokens of frames are not in the vocabulary")
    return layout


def _require_room(layout: Layout, context: int) -> None:
    """A context must hold one frame, a question and a token of an answer."""
    least = len(layout.video_prefix([0.0])[0]) + len(layout.question(FIRST_QUESTION)) + 1
    if context < least:
        raise CheckpointRefused(
            f"max_context_tokens is {context}, and one frame, a question and an answer take "
            f"{least} at least; raise it"
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
