"""One question about a video and its one result, for both kinds of client.

They are written twice because what one returns the other awaits; a test holds them to each other.
An operation that failed raises here, where ``ask`` would say so in its result.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Unpack

from molmo2_client.answer import only
from molmo2_client.call import Operations, Options
from molmo2_client.media import VideoLike
from molmo2_contract.operations import (
    Comprehensive,
    Embed,
    Pointing,
    Pooling,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.response import Response
from molmo2_contract.results import (
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    PointingResult,
    TemporalLocalizationResult,
    TrackingResult,
)


class Shortcuts(ABC):
    """Questions to a synchronous client."""

    @abstractmethod
    def ask(
        self, video: VideoLike, operations: Operations, **options: Unpack[Options]
    ) -> Response: ...

    def point(self, video: VideoLike, prompt: str, **options: Unpack[Options]) -> PointingResult:
        """Points at every occurrence of what the prompt names."""
        return only(self.ask(video, Pointing(prompt=prompt), **options), PointingResult)

    def track(self, video: VideoLike, prompt: str, **options: Unpack[Options]) -> TrackingResult:
        """Follows every occurrence of what the prompt names."""
        return only(self.ask(video, Tracking(prompt=prompt), **options), TrackingResult)

    def describe(
        self,
        video: VideoLike,
        prompt: str,
        *,
        json_schema: Mapping[str, Any] | None = None,
        **options: Unpack[Options],
    ) -> DescribeResult:
        """Answers the prompt in free text, or as JSON that follows a JSON Schema.

        counted = molmo2.describe("street.mp4", "How many cars?", json_schema={"type": "integer"})
        print(counted.data)
        """
        asked = {"operation": "describe", "prompt": prompt, "json_schema": json_schema}
        return only(self.ask(video, asked, **options), DescribeResult)

    def localize(self, video: VideoLike, **options: Unpack[Options]) -> TemporalLocalizationResult:
        """Finds the events of the video with their start and end."""
        return only(self.ask(video, TemporalLocalization(), **options), TemporalLocalizationResult)

    def analyze(self, video: VideoLike, **options: Unpack[Options]) -> ComprehensiveResult:
        """Summary, objects, events, text, scene and activities of the video."""
        return only(self.ask(video, Comprehensive(), **options), ComprehensiveResult)

    def embed(
        self,
        video: VideoLike,
        *,
        pooling: Pooling = Pooling.MEAN,
        per_frame: bool = False,
        **options: Unpack[Options],
    ) -> EmbedResult:
        """One L2-normalised vector for the video, and with ``per_frame`` one for each frame."""
        operation = Embed(pooling=pooling, per_frame=per_frame)
        return only(self.ask(video, operation, **options), EmbedResult)


class AsyncShortcuts(ABC):
    """The same to an asynchronous client."""

    @abstractmethod
    async def ask(
        self, video: VideoLike, operations: Operations, **options: Unpack[Options]
    ) -> Response: ...

    async def point(
        self, video: VideoLike, prompt: str, **options: Unpack[Options]
    ) -> PointingResult:
        """Points at every occurrence of what the prompt names."""
        return only(await self.ask(video, Pointing(prompt=prompt), **options), PointingResult)

    async def track(
        self, video: VideoLike, prompt: str, **options: Unpack[Options]
    ) -> TrackingResult:
        """Follows every occurrence of what the prompt names."""
        return only(await self.ask(video, Tracking(prompt=prompt), **options), TrackingResult)

    async def describe(
        self,
        video: VideoLike,
        prompt: str,
        *,
        json_schema: Mapping[str, Any] | None = None,
        **options: Unpack[Options],
    ) -> DescribeResult:
        """Answers the prompt in free text, or as JSON that follows a JSON Schema."""
        asked = {"operation": "describe", "prompt": prompt, "json_schema": json_schema}
        return only(await self.ask(video, asked, **options), DescribeResult)

    async def localize(
        self, video: VideoLike, **options: Unpack[Options]
    ) -> TemporalLocalizationResult:
        """Finds the events of the video with their start and end."""
        response = await self.ask(video, TemporalLocalization(), **options)
        return only(response, TemporalLocalizationResult)

    async def analyze(self, video: VideoLike, **options: Unpack[Options]) -> ComprehensiveResult:
        """Summary, objects, events, text, scene and activities of the video."""
        return only(await self.ask(video, Comprehensive(), **options), ComprehensiveResult)

    async def embed(
        self,
        video: VideoLike,
        *,
        pooling: Pooling = Pooling.MEAN,
        per_frame: bool = False,
        **options: Unpack[Options],
    ) -> EmbedResult:
        """One L2-normalised vector for the video, and with ``per_frame`` one for each frame."""
        operation = Embed(pooling=pooling, per_frame=per_frame)
        return only(await self.ask(video, operation, **options), EmbedResult)
