"""Turns a request of the wire into a job, or refuses what can never fit."""

import torch

from molmo2_contract.errors import InvalidRequest, Molmo2Error, VideoTooLong
from molmo2_engine.generation.grammar import (
    Constraint,
    Grammar,
    GrammarCompiler,
    GrammarRefused,
)
from molmo2_engine.generation.sampling import SamplingParameters
from molmo2_engine.loop.job import Embed, Generate, Job, Refuse
from molmo2_engine.prompt.cropping import cut, image_grid
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.prompt.media import Images, VideoFrames
from molmo2_engine.wire import engine_pb2 as wire


class Admission:
    """Knows the layout and the limits of one engine."""

    def __init__(
        self,
        layout: Layout,
        grammars: GrammarCompiler,
        *,
        max_video_tokens: int,
        max_context_tokens: int,
    ) -> None:
        self._layout = layout
        self._grammars = grammars
        self._max_video_tokens = max_video_tokens
        self._max_context_tokens = max_context_tokens

    def job(self, request: wire.AnswerRequest) -> Job:
        """Raises:
        InvalidRequest: for frames of another size, or images that the checkpoint cannot take.
        VideoTooLong: for more visual tokens than this engine takes.
        """
        if request.WhichOneof("media") == "images":
            key, media, tokens = self._images(request.images)
        else:
            key, media, tokens = self._video(request.video)
        return Job(
            key=key,
            prefix_tokens=tokens,
            operations=[
                self._operation(index, operation, tokens)
                for index, operation in enumerate(request.operations)
            ],
            media=media,
            progress=request.progress,
            request_id=request.request_id,
        )

    def _video(self, video: wire.Video) -> tuple[bytes, VideoFrames | None, int]:
        times = list(video.times)
        tokens = len(self._layout.video_prefix(times)[0])
        self._bound(tokens, f"the {len(times)} sampled frames", "max_frames or max_fps", "video")
        if not video.frames:
            return video.key, None, tokens
        size = self._layout.frame_format.size
        frames = _pixels(video.frames, (len(times), size, size, 3))
        return video.key, VideoFrames(times, frames, tuple(video.frame_numbers)), tokens

    def _images(self, images: wire.Images) -> tuple[bytes, Images | None, int]:
        """Cuts the images here, in the call's own thread; the engine's has others to serve."""
        how = self._layout.image_format
        if how is None:
            raise InvalidRequest(
                "this checkpoint answers about videos only: it has no image processor's "
                "configuration",
                field="images",
            )
        grids = [image_grid(image.height, image.width, how) for image in images.images]
        tokens = len(self._layout.images_prefix(grids)[0])
        self._bound(tokens, f"the {len(grids)} images", "the number of images", "images")
        if not all(image.pixels for image in images.images):
            return images.key, None, tokens
        pixels = [_pixels(i.pixels, (i.height, i.width, 3)) for i in images.images]
        return images.key, Images([cut(image, how) for image in pixels]), tokens

    def _bound(self, tokens: int, what: str, remedy: str, field: str) -> None:
        if tokens > self._max_video_tokens:
            raise VideoTooLong(
                f"{what} take {tokens} tokens; this server takes {self._max_video_tokens} "
                f"(max_video_tokens). Lower {remedy}",
                field=field,
            )

    def _operation(
        self, index: int, operation: wire.Operation, prefix_tokens: int
    ) -> Generate | Embed | Refuse:
        if operation.WhichOneof("operation") == "embedding":
            pooling = wire.Pooling.Name(operation.embedding.pooling).lower()
            return Embed(pooling, operation.embedding.per_frame)
        asked = operation.generation
        question = self._layout.question(asked.prompt)
        room = self._max_context_tokens - prefix_tokens - len(question)
        if room < 1:
            refusal = InvalidRequest(
                f"media ({prefix_tokens} tokens) and prompt ({len(question)} tokens) leave no room "
                f"for an answer in {self._max_context_tokens} tokens (max_context_tokens). Shorten "
                "the prompt, or lower max_frames",
                field=f"operations[{index}].prompt",
            )
            return Refuse(refusal)
        try:
            constraint = self._constraint(index, asked)
        except Molmo2Error as refusal:
            return Refuse(refusal)
        return Generate(
            question,
            SamplingParameters(
                max_new_tokens=min(asked.max_new_tokens, room),
                temperature=asked.temperature,
                top_p=asked.top_p,
                seed=asked.seed if asked.HasField("seed") else None,
            ),
            constraint,
        )

    def _constraint(self, index: int, asked: wire.Generation) -> Constraint | None:
        language = asked.WhichOneof("grammar")
        if language is None:
            return None
        try:
            return self._grammars.constraint(Grammar(language, getattr(asked, language)))
        except GrammarRefused as error:
            raise InvalidRequest(
                f"operations[{index}].json_schema: cannot be followed: {error}",
                field=f"operations[{index}].json_schema",
            ) from None


def _pixels(content: bytes, shape: tuple[int, ...]) -> torch.Tensor:
    if len(content) != torch.Size(shape).numel():
        raise InvalidRequest(f"pixels hold {len(content)} bytes; {shape} was expected")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(shape)
