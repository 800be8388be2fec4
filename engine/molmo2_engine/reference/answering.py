"""Answers the operations of a request, one after the other, by the released code."""

import logging
import time

import torch
from prometheus_client import CollectorRegistry, Counter

from molmo2_contract.errors import InvalidRequest, VideoTooLong
from molmo2_engine.generation.grammar import (
    Constraint,
    Grammar,
    GrammarCompiler,
    GrammarRefused,
    read_vocabulary,
)
from molmo2_engine.loop.failure import as_wire_error
from molmo2_engine.model.pooling import ZOO_PROMPT
from molmo2_engine.reference.call import Call
from molmo2_engine.reference.embedding import embed
from molmo2_engine.reference.generating import generate, text_of
from molmo2_engine.reference.inputs import model_inputs
from molmo2_engine.reference.released import Released
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire

logger = logging.getLogger(__name__)


class Reference:
    """Answers for one checkpoint; ``answer`` is one thread's."""

    def __init__(self, released: Released, settings: EngineSettings) -> None:
        self._released = released
        self._settings = settings
        self._grammars = GrammarCompiler(
            read_vocabulary(
                released.processor.tokenizer,
                released.model.lm_head.out_features,
                released.end_tokens,
            ),
            max_grammars=settings.max_grammars,
            max_seconds=settings.max_grammar_seconds,
        )
        self.max_context_tokens = min(
            settings.max_context_tokens, released.model.config.text_config.max_position_embeddings
        )
        self.metrics = CollectorRegistry()
        self._written = Counter(
            "molmo2_engine_generated_tokens", "Tokens written", registry=self.metrics
        )
        self._last_sign: float | None = None

    def stalled_for(self) -> float:
        """Seconds since the last token, while there is work. Safe to call from any thread."""
        last = self._last_sign
        return 0.0 if last is None else time.monotonic() - last

    @torch.inference_mode()
    def answer(self, call: Call) -> None:
        """Tells ``Opened``, then the end of each operation; a failure is that operation's alone."""
        self._last_sign = time.monotonic()
        queued = self._last_sign - call.asked
        call.put(opened=wire.Opened(frame_numbers=call.request.video.frame_numbers))
        for index, operation in enumerate(call.request.operations):
            if call.cancelled.is_set():
                break
            try:
                self._answer(call, index, operation, queued)
            except Exception as error:
                logger.exception("an operation failed")
                call.fail(index, as_wire_error(error))
        self._last_sign = None

    def _answer(self, call: Call, index: int, operation: wire.Operation, queued: float) -> None:
        if operation.WhichOneof("operation") == "embedding":
            embedded = self._embed(call, operation.embedding)
            embedded.timing.queued = queued
            call.put(index, embedded=embedded)
        else:
            finished = self._generate(call, index, operation.generation)
            finished.timing.queued = queued
            call.put(index, finished=finished)

    def _embed(self, call: Call, asked: wire.Embedding) -> wire.Embedded:
        return embed(
            self._released,
            self._inputs(call, ZOO_PROMPT),
            asked,
            frames=len(call.request.video.times),
            every_token=self._settings.embedding_tokens == "all",
        )

    def _generate(self, call: Call, index: int, asked: wire.Generation) -> wire.Finished:
        inputs = self._inputs(call, asked.prompt)

        def hear(tokens: list[int]) -> bool:
            self._last_sign = time.monotonic()
            self._written.inc()
            if call.request.progress and len(tokens) % self._settings.tokens_per_progress == 0:
                text = text_of(self._released, tokens)
                call.put(index, progress=wire.Progress(text=text, generated_tokens=len(tokens)))
            return call.cancelled.is_set()

        return generate(
            self._released,
            inputs,
            asked,
            self._constraint(index, asked),
            min(asked.max_new_tokens, self.max_context_tokens - inputs["input_ids"].shape[1]),
            hear,
        )

    def _inputs(self, call: Call, prompt: str) -> dict[str, torch.Tensor]:
        """Raises:
        VideoTooLong: if there is no room for an answer.
        """
        model = self._released.model
        inputs = model_inputs(self._released.processor, call.request, prompt, model.device)
        tokens = inputs["input_ids"].shape[1]
        if tokens >= self.max_context_tokens:
            raise VideoTooLong(
                f"media and prompt take {tokens} tokens and leave no room for an answer in "
                f"{self.max_context_tokens} (max_context_tokens). Lower max_frames or max_fps"
            )
        return inputs

    def _constraint(self, index: int, asked: wire.Generation) -> Constraint | None:
        language = asked.WhichOneof("grammar")
        if language is None:
            return None
        try:
            return self._grammars.constraint(Grammar(language, getattr(asked, language)))
        except GrammarRefused as error:
            field = f"operations[{index}].json_schema"
            raise InvalidRequest(f"{field}: cannot be followed: {error}", field=field) from None
