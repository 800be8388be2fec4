"""Answers with two tracks, made from nothing but the frames that a video has."""

from molmo2_contract.response import ModelInfo, RequestTiming, Response
from molmo2_contract.results import Position, Status, Track, TrackingResult
from molmo2_contract.video import Sampled, VideoInfo

TRACKS = 2


def tracked(name: str, frame_count: int, step: int, frame_rate: float) -> Response:
    """Both tracks in every ``step``-th frame; they go across the picture from left to right."""
    frames = range(1, frame_count + 1, step)
    times = [(frame - 1) / frame_rate for frame in frames]
    return Response(
        model=ModelInfo(name="bench", version="1.0", checkpoint="bench"),
        video=VideoInfo(
            width=640,
            height=360,
            duration=frame_count / frame_rate,
            frame_rate=frame_rate,
            frame_count=frame_count,
            variable_frame_rate=False,
            sampled=Sampled(times=times, frames=list(frames)),
        ),
        results=[TrackingResult(status=Status.OK, text="", tracks=_tracks(frames, times))],
        timing=RequestTiming(plan=0, decode=0, engine=0, total=0),
        request_id=name,
    )


def _tracks(frames: range, times: list[float]) -> list[Track]:
    return [
        Track(
            id=track,
            label="shape",
            points=[
                Position(time=time, frame=frame, x=frame / frames.stop, y=track / (TRACKS + 1))
                for frame, time in zip(frames, times, strict=True)
            ],
        )
        for track in range(1, TRACKS + 1)
    ]
