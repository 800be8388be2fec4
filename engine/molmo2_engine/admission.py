"""Turns a request of the wire into a job, or refuses what can never fit."""

import torch

from molmo2_contract.errors import InvalidRequest, VideoTooLong
from molmo2_engine.job import Embed, Generate, Job, Refuse
from molmo2_engine.layout import Layout
from molmo2_engine.prefix import VideoFrames
from molmo2_engine.sampling import SamplingParameters
from molmo2_engine.wire import engine_pb2 as wire


class Admission:
    """Knows the layout and the limits of one engine."""

    def __init__(self, layout: Layout, *, max_video_tokens: int, max_context_tokens: int) -> None:
        self._layout = layout
        self._max_video_tokens = max_video_tokens
        self._max_context_tokens = max_context_tokens

    def job(self, request: wire.AnswerRequest) -> Job:
        """Raises:
        InvalidRequest: for frames of another size.
        VideoTooLong: for more video tokens than this engine takes.
        """
        times = list(request.video.times)
        prefix_tokens = len(self._layout.video_prefix(times)[0])
        if prefix_tokens > self._max_video_tokens:
            raise VideoTooLong(
                f"the {len(times)} sampled frames take {prefix_tokens} tokens; this server takes "
                f"{self._max_video_tokens} (max_video_tokens). Lower max_frames or max_fps, or cut "
                "a clip with start and end",
                field="video",
            )
        return Job(
            key=request.video.key,
            prefix_tokens=prefix_tokens,
            operations=[
                self._operation(index, operation, prefix_tokens)
                for index, operation in enumerate(request.operations)
            ],
            video=self._video(request.video, times),
            progress=request.progress,
        )

    def _video(self, video: wire.Video, times: list[float]) -> VideoFrames | None:
        if not video.frames:
            return None
        size = self._layout.frame_format.size
        shape = (len(times), size, size, 3)
        if len(video.frames) != torch.Size(shape).numel():
            raise InvalidRequest(f"frames hold {len(video.frames)} bytes; {shape} was expected")
        frames = torch.frombuffer(bytearray(video.frames), dtype=torch.uint8)
        return VideoFrames(times, frames.reshape(shape), tuple(video.frame_numbers))

    def _operation(
        self, index: int, operation: wire.Operation, prefix_tokens: int
    ) -> Generate | Embed | Refuse:
        if operation.WhichOneof("operation") == "embedding":
            return Embed(wire.Pooling.Name(operation.embedding.pooling).lower())
        asked = operation.generation
        question = self._layout.question(asked.prompt)
        room = self._max_context_tokens - prefix_tokens - len(question)
        if room < 1:
            refusal = InvalidRequest(
                f"video ({prefix_tokens} tokens) and prompt ({len(question)} tokens) leave no room "
                f"for an answer in {self._max_context_tokens} tokens (max_context_tokens). Shorten "
                "the prompt, or lower max_frames",
                field=f"operations[{index}].prompt",
            )
            return Refuse(refusal)
        return Generate(
            question,
            SamplingParameters(
                max_new_tokens=min(asked.max_new_tokens, room),
                temperature=asked.temperature,
                top_p=asked.top_p,
                seed=asked.seed if asked.HasField("seed") else None,
            ),
        )
