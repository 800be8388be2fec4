"""The prefill of a video or of images, into the pages of their prefix."""

import torch
import torch.nn.functional as F

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.media_pass import MediaPass
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.text import Text
from molmo2_engine.model.vision import encode_frames, encode_images
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import Media, VideoFrames


class MediaPrefill:
    """Encodes and prefills media in one piece: its visual tokens attend to each other."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        layout: Layout,
        text: Text,
        cache: PagedCache,
        frames_at_once: int,
    ) -> None:
        self._checkpoint = checkpoint
        self._text = text
        self._layout = layout
        self._cache = cache
        self._frames_at_once = frames_at_once

    @torch.inference_mode()
    def __call__(self, key: bytes, media: Media, pages: list[int]) -> Prefix:
        """Raises:
        NotFinite: if the model computes no numbers; the pages must be cleared then.
        """
        model = self._checkpoint.model.model
        features, (tokens, visual) = self._encode(media)
        ids = torch.tensor(tokens, device=model.device)
        embedded = model.get_input_embeddings()(ids)
        patch = ids == self._checkpoint.model.config.image_patch_id
        embedded[patch] += features.to(embedded.dtype)  # Molmo2 adds features, it does not replace
        positions = torch.arange(len(ids), device=model.device)
        hidden = self._text.states(embedded, positions, MediaPass(self._cache, pages, visual))
        return Prefix(
            key=key,
            frame_numbers=media.frame_numbers if isinstance(media, VideoFrames) else (),
            tokens=len(ids),
            pages=pages,
            embeddings=_pool(hidden[patch]),
        )

    def _encode(self, media: Media) -> tuple[torch.Tensor, tuple[list[int], list[bool]]]:
        """The features of the media's patches, and its tokens as ``Layout`` gives them."""
        model = self._checkpoint.model
        if isinstance(media, VideoFrames):
            features = encode_frames(
                model, self._layout.frame_format, media.frames, self._frames_at_once
            )
            return features, self._layout.video_prefix(media.times)
        features = encode_images(model, media.images, self._layout.image_format.patch_size)
        return features, self._layout.images_prefix([image.grid for image in media.images])


class NotFinite(Exception):
    """The model computed infinities or no numbers."""


def _pool(hidden: torch.Tensor) -> dict[str, torch.Tensor]:
    """Pools the last hidden states of the visual tokens, [n, hidden], in float32.

    ``cls`` is the first visual token: the first token of all precedes the video and is the same
    vector for every one.
    """
    states = hidden.float()
    pooled = {"mean": states.mean(0), "max": states.amax(0), "cls": states[0]}
    if not torch.isfinite(pooled["mean"]).all():
        raise NotFinite("the model's hidden states for this media are not finite")
    return {name: F.normalize(vector, dim=0).cpu() for name, vector in pooled.items()}
