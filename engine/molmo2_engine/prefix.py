"""A video's prefix: its keys and values, and the vectors that embed it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from molmo2_engine.checkpoint import Checkpoint
from molmo2_engine.layout import Layout
from molmo2_engine.vision import encode_frames


@dataclass(frozen=True, eq=False)
class VideoFrames:
    """The sampled frames of a video."""

    times: list[float]
    """Seconds, one a frame, as the model is told them."""
    frames: torch.Tensor
    """uint8 RGB [len(times), size, size, 3]."""
    frame_numbers: tuple[int, ...]
    """1-based, in the whole video; nothing here depends on them."""


@dataclass(frozen=True, eq=False)
class VideoPrefix:
    """What every question about one video shares."""

    key: bytes
    frame_numbers: tuple[int, ...]
    tokens: int
    keys: list[torch.Tensor]
    """Of each layer: [kv heads, tokens, head size]."""
    values: list[torch.Tensor]
    embeddings: dict[str, torch.Tensor]
    """By pooling (mean, max, cls): L2-normalised float32 [hidden]."""


@torch.inference_mode()
def prefill_video(
    checkpoint: Checkpoint,
    layout: Layout,
    key: bytes,
    video: VideoFrames,
    frames_at_once: int,
) -> VideoPrefix:
    """Encodes and prefills a video in one piece: its visual tokens attend to each other."""
    model = checkpoint.model.model
    features = encode_frames(checkpoint.model, layout.frame_format, video.frames, frames_at_once)
    ids, visual = (torch.tensor(x, device=model.device) for x in layout.video_prefix(video.times))
    embedded = model.get_input_embeddings()(ids)
    patch = ids == checkpoint.model.config.image_patch_id
    embedded[patch] += features.to(embedded.dtype)  # Molmo2 adds features, it does not replace
    recording = _Recording()
    hidden = model.language_model(
        inputs_embeds=embedded[None],
        attention_mask=_attends(visual)[None, None],
        position_ids=torch.arange(len(ids), device=model.device)[None],
        past_key_values=recording,
    ).last_hidden_state[0]
    return VideoPrefix(
        key=key,
        frame_numbers=video.frame_numbers,
        tokens=len(ids),
        keys=recording.keys,
        values=recording.values,
        embeddings=_pool(hidden[patch]),
    )


def _attends(visual: torch.Tensor) -> torch.Tensor:
    """Which token sees which, bool [n, n]: what precedes it; and visual tokens see each other."""
    causal = torch.ones(len(visual), len(visual), dtype=torch.bool, device=visual.device).tril()
    return causal | (visual[:, None] & visual[None, :])


def _pool(hidden: torch.Tensor) -> dict[str, torch.Tensor]:
    """Pools the last hidden states of the visual tokens, [n, hidden], in float32.

    ``cls`` is the first visual token: the first token of all precedes the video and is the same
    vector for every one.
    """
    states = hidden.float()
    pooled = {"mean": states.mean(0), "max": states.amax(0), "cls": states[0]}
    return {name: F.normalize(vector, dim=0).cpu() for name, vector in pooled.items()}


class _Recording:
    """Keeps the keys and values of one sequence; stands in for a transformers cache."""

    def __init__(self) -> None:
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys.append(keys[0])
        self.values.append(values[0])
        return keys, values
