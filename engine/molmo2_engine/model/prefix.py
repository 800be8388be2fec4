"""The prefix of a video or of images: its keys and values, and the vectors that embed it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.vision import encode_frames, encode_images
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import Media, VideoFrames


@dataclass(frozen=True, eq=False)
class Prefix:
    """What every question about one video, or one set of images, shares."""

    key: bytes
    frame_numbers: tuple[int, ...]
    tokens: int
    keys: list[torch.Tensor]
    """Of each layer: [kv heads, tokens, head size]."""
    values: list[torch.Tensor]
    embeddings: dict[str, torch.Tensor]
    """By pooling (mean, max, cls): L2-normalised float32 [hidden]."""


@torch.inference_mode()
def prefill_media(
    checkpoint: Checkpoint, layout: Layout, key: bytes, media: Media, frames_at_once: int
) -> Prefix:
    """Encodes and prefills media in one piece: its visual tokens attend to each other."""
    model = checkpoint.model.model
    features, tokens = _encode(checkpoint, layout, media, frames_at_once)
    ids, visual = (torch.tensor(x, device=model.device) for x in tokens)
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
    return Prefix(
        key=key,
        frame_numbers=media.frame_numbers if isinstance(media, VideoFrames) else (),
        tokens=len(ids),
        keys=recording.keys,
        values=recording.values,
        embeddings=_pool(hidden[patch]),
    )


def _encode(
    checkpoint: Checkpoint, layout: Layout, media: Media, frames_at_once: int
) -> tuple[torch.Tensor, tuple[list[int], list[bool]]]:
    """The features of the media's patches, and its tokens as ``Layout`` gives them."""
    if isinstance(media, VideoFrames):
        features = encode_frames(
            checkpoint.model, layout.frame_format, media.frames, frames_at_once
        )
        return features, layout.video_prefix(media.times)
    features = encode_images(checkpoint.model, media.images, layout.image_format.patch_size)
    return features, layout.images_prefix([image.grid for image in media.images])


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
