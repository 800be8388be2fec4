"""Vectors of media from the released model's last hidden states."""

import time

import torch

from molmo2_engine.model.pooling import pool, pool_each
from molmo2_engine.reference.released import Released
from molmo2_engine.wire import engine_pb2 as wire


def embed(
    released: Released,
    inputs: dict[str, torch.Tensor],
    asked: wire.Embedding,
    *,
    frames: int,
    every_token: bool,
) -> wire.Embedded:
    """Pools the visual tokens, or ``every_token``; visual tokens do not see the prompt.

    ``frames``: of the video; 0 for images.

    Raises:
        NotFinite: if the model computes no numbers.
    """
    began = time.monotonic()
    states = released.model.model(**inputs, use_cache=False).last_hidden_state[0]
    seen = states[inputs["input_ids"][0] == released.model.config.image_patch_id]
    pooling = wire.Pooling.Name(asked.pooling).lower()
    embedded = wire.Embedded(
        vector=pool(states if every_token else seen)[pooling].tolist(),
        usage=wire.Usage(prompt_tokens=len(states)),
    )
    if asked.per_frame and frames:
        vectors = pool_each(seen.unflatten(0, (frames, -1)))[pooling]
        embedded.frame_vectors.extend(vectors.flatten().tolist())
    embedded.timing.prefill = time.monotonic() - began
    return embedded
