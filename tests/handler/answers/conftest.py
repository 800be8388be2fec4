"""Videos to read answers about."""

from collections.abc import Callable

import pytest

from molmo2_contract.video import Sampled, VideoInfo

VideoOf = Callable[[list[float], list[int]], VideoInfo]


@pytest.fixture(scope="session")
def video_of() -> VideoOf:
    """A video with these sampled times and frames."""

    def make(times: list[float], frames: list[int]) -> VideoInfo:
        return VideoInfo(
            width=1280,
            height=720,
            duration=times[-1],
            frame_rate=30.0,
            frame_count=frames[-1],
            variable_frame_rate=False,
            sampled=Sampled(times=times, frames=frames),
        )

    return make


@pytest.fixture(scope="session")
def video(video_of: VideoOf) -> VideoInfo:
    """30 s at 30 frames a second, sampled as the reference samples it: the last frame is in."""
    times = [index / 2 for index in range(61)]
    return video_of(times, [min(round(time * 30) + 1, 900) for time in times])
