"""Writes one answer with the released model's ``generate``."""

import time
from collections.abc import Callable
from typing import Any

import torch

from molmo2_engine.generation.grammar import Constraint
from molmo2_engine.reference.released import Released
from molmo2_engine.reference.writing import Following, Listening
from molmo2_engine.wire import engine_pb2 as wire


def generate(
    released: Released,
    inputs: dict[str, torch.Tensor],
    asked: wire.Generation,
    constraint: Constraint | None,
    max_new_tokens: int,
    hear: Callable[[list[int]], bool],
) -> wire.Finished:
    """Answers one question, for which ``inputs`` are the model's arguments.

    ``hear`` is told all tokens after each one, and ends the answer by returning True.

    Raises:
        NotFinite: if the model computes no numbers.
        GrammarFailed: if the grammar cannot be followed.
    """
    prompt = inputs["input_ids"].shape[1]
    following = Following(constraint, prompt, released.end_tokens)
    clock = _Clock()
    written = released.model.generate(
        **inputs,
        **_chance(asked),
        max_new_tokens=max_new_tokens,
        eos_token_id=sorted(released.end_tokens),
        logits_processor=[following],
        stopping_criteria=[Listening(prompt, lambda tokens: clock.tick() or hear(tokens))],
    )
    tokens = written[0, prompt:].tolist()
    ended = tokens[-1] in released.end_tokens
    kept = tokens[:-1] if ended else tokens
    return wire.Finished(
        text=text_of(released, kept),
        truncated=not ended and not following.completes(written),
        usage=wire.Usage(prompt_tokens=prompt, generated_tokens=len(kept)),
        timing=clock.timing(),
    )


def text_of(released: Released, tokens: list[int]) -> str:
    return released.processor.tokenizer.decode(
        tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )


def _chance(asked: wire.Generation) -> dict[str, Any]:
    """How ``generate`` picks; by chance, a seed gives other tokens here than in the engine."""
    if not asked.temperature:
        return {"do_sample": False}
    torch.manual_seed(asked.seed if asked.HasField("seed") else time.time_ns())
    return {
        "do_sample": True,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "top_k": 0,  # by default generate keeps fifty
    }


class _Clock:
    """When the first token came."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first = 0.0

    def tick(self) -> None:
        self._first = self._first or time.monotonic()

    def timing(self) -> wire.Timing:
        return wire.Timing(prefill=self._first - self._began, decode=time.monotonic() - self._first)
