"""The prefill of a video or of images, into the pages of their prefix."""

from collections.abc import Sequence

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.media_pass import MediaPass
from molmo2_engine.kv.prefix import Prefix
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.model.pooling import pool, pool_each
from molmo2_engine.model.text import Text
from molmo2_engine.model.vision import encode_frames, encode_images
from molmo2_engine.model.vision_encoder import vision_of
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
        embedded_behind: Sequence[int] = (),
    ) -> None:
        """``embedded_behind``: tokens that follow the media when they are embedded, and only then.

        Without any, the visual tokens alone are pooled; with them every token is.
        """
        self._checkpoint = checkpoint
        self._encoder = vision_of(checkpoint.model)
        self._text = text
        self._layout = layout
        self._cache = cache
        self._frames_at_once = frames_at_once
        self._behind = list(embedded_behind)

    @torch.inference_mode()
    def __call__(self, key: bytes, media: Media, pages: list[int]) -> Prefix:
        """Raises:
        NotFinite: if the model computes no numbers; the pages must be cleared then.
        """
        model = self._checkpoint.model.model
        features, (tokens, visual) = self._encode(media)
        visual = visual + [False] * len(self._behind)
        ids = torch.tensor(tokens + self._behind, device=model.device)
        embedded = model.get_input_embeddings()(ids)
        patch = ids == self._checkpoint.model.config.image_patch_id
        embedded[patch] += features.to(embedded.dtype)  # Molmo2 adds features, it does not replace
        positions = torch.arange(len(ids), device=model.device)
        media_pass = MediaPass(
            self._cache, pages, visual, self._text.media_kernel, kept=len(tokens)
        )
        hidden = self._text.states(embedded, positions, media_pass)
        seen = hidden[patch]
        return Prefix(
            key=key,
            frame_numbers=media.frame_numbers if isinstance(media, VideoFrames) else (),
            tokens=len(tokens),
            pages=pages,
            embeddings=pool(hidden if self._behind else seen),
            frame_embeddings=_pool_frames(seen, media),
        )

    def _encode(self, media: Media) -> tuple[torch.Tensor, tuple[list[int], list[bool]]]:
        """The features of the media's patches, and its tokens as ``Layout`` gives them."""
        if isinstance(media, VideoFrames):
            features = encode_frames(
                self._encoder, self._layout.frame_format, media.frames, self._frames_at_once
            )
            return features, self._layout.video_prefix(media.times)
        patch_size = self._layout.image_format.patch_size
        features = encode_images(self._encoder, media.images, patch_size)
        return features, self._layout.images_prefix([image.grid for image in media.images])


def _pool_frames(seen: torch.Tensor, media: Media) -> dict[str, torch.Tensor]:
    """``seen``: the states of the visual tokens, as many of each frame."""
    if not isinstance(media, VideoFrames):
        return {}
    return pool_each(seen.unflatten(0, (len(media.times), -1)))
