"""Files that declare more frames than they have are refused by their headers."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from damage import VIDEOS

from molmo2_contract.errors import VideoTooLong
from molmo2_contract.video import Video
from molmo2_handler.video import VideoLimits, open_video
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.sample_tables import SampleTables

MILLIONS = 20_000_000
WHOLE = sorted(path.name for path in VIDEOS.glob("*.m*") if "cut-off" not in path.name)


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def table(kind: bytes, *numbers: int) -> bytes:
    return box(kind, struct.pack(f">{len(numbers) + 1}I", 0, *numbers))


def handler(kind: bytes) -> bytes:
    return box(b"hdlr", bytes(8), kind, bytes(12))


def track(*tables: bytes, kind: bytes = b"vide") -> bytes:
    return box(b"trak", box(b"mdia", handler(kind), box(b"minf", box(b"stbl", *tables))))


def looked_at(content: bytes, **limits: float) -> SampleTables:
    bounds = VideoLimits(**limits)
    tables = SampleTables(io.BytesIO(content), "it", bounds, Budget("it", bounds))
    tables.check(len(content))
    return tables


@pytest.mark.parametrize(
    "tables",
    [
        table(b"stsz", 1, MILLIONS),
        table(b"stsz", 0, MILLIONS),
        table(b"stts", 1, MILLIONS, 1),
        table(b"stts", 3, MILLIONS // 2, 1, MILLIONS // 4, 2, MILLIONS // 4, 3),
        table(b"stts", MILLIONS),
        table(b"ctts", 1, MILLIONS, 0),
    ],
    ids=["one size", "sizes", "run", "runs", "cut off", "offsets"],
)
def test_a_video_track_that_declares_too_many_frames_is_refused(tables: bytes) -> None:
    with pytest.raises(VideoTooLong, match=r"\(settings? max_frame_count"):
        looked_at(box(b"ftyp", b"isom") + box(b"moov", track(tables)))


def test_the_last_of_many_tracks_is_looked_at_too() -> None:
    good = track(table(b"stsz", 1, 30))
    with pytest.raises(VideoTooLong, match="declares more than 2000000 frames"):
        looked_at(box(b"moov", good, good, track(table(b"stsz", 1, MILLIONS))))


def test_sound_may_have_as_many_packets_as_fit_its_time() -> None:
    packets = table(b"stsz", 0, 400 * 60)
    looked_at(box(b"moov", track(packets, kind=b"soun")), max_duration=60, max_frame_count=10)
    with pytest.raises(VideoTooLong, match=r"24000 samples .* \(setting max_duration\)"):
        looked_at(box(b"moov", track(packets, kind=b"soun")), max_duration=59, max_frame_count=10)


def test_raw_sound_is_read_by_the_thousand_and_may_have_any_number_of_samples() -> None:
    looked_at(
        box(b"moov", track(table(b"stts", 1, 10**8, 1), table(b"stsz", 4, 10**8), kind=b"soun"))
    )


def test_fragments_are_added_up() -> None:
    fragment = box(b"moof", box(b"traf", table(b"trun", 1_500_000)))
    looked_at(fragment * 4)
    with pytest.raises(VideoTooLong):
        looked_at(fragment * 10)


def test_boxes_are_looked_at_when_their_reader_comes_to_them() -> None:
    bad = box(b"moov", track(table(b"stsz", 1, MILLIONS)))
    content = box(b"ftyp", b"isom") + box(b"mdat", bytes(10_000)) + bad
    bounds = VideoLimits()
    file = io.BytesIO(content)
    tables = SampleTables(file, "it", bounds, Budget("it", bounds))
    tables.check(1000)
    assert file.tell() == 0
    file.seek(len(content) - 10)
    tables.check(10)  # a look at the end of the file
    file.seek(9_000)
    with pytest.raises(VideoTooLong):
        tables.check(2_000)
    assert file.tell() == 9_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0",
        bytes(1000),
        b"\x1aE\xdf\xa3" * 300,
        struct.pack(">I4sQ", 1, b"moov", 2**64 - 1) + bytes(100),
        struct.pack(">I4s", 0, b"moov") + table(b"stsz", 1),
        box(b"moov", struct.pack(">I4s", 7, b"trak")),
        b"".join(struct.pack(">I4s", 8 * (1000 - n), b"moov") for n in range(1000)),
    ],
    ids=["empty", "short", "zeros", "matroska", "endless", "to the end", "too small", "nested"],
)
def test_nonsense_is_left_to_the_demuxer(content: bytes) -> None:
    looked_at(content)


def test_looking_is_paid_from_the_budget() -> None:
    bounds = VideoLimits(max_decode_cpu_seconds=0.05)
    content = box(b"moov", box(b"free") * 500_000)
    tables = SampleTables(io.BytesIO(content), "it", bounds, Budget("it", bounds))
    with pytest.raises(VideoTooLong, match="max_decode_cpu_seconds"):
        tables.check(8)


@pytest.mark.parametrize("name", WHOLE)
def test_good_files_pass_within_bounds_as_tight_as_they_are(name: str) -> None:
    path = VIDEOS / name
    with open_video(Video(), path.read_bytes(), VideoLimits()) as video:
        frames, duration = video.info.frame_count, video.info.duration
    bounds = VideoLimits(max_frame_count=2 * frames, max_duration=2 * duration)
    with open_video(Video(), path.read_bytes(), bounds) as video:
        assert video.info.frame_count == frames


def test_twenty_million_frames_cost_next_to_nothing(
    render: Callable[..., Path], tmp_path: Path
) -> None:
    content = bytearray(render(tmp_path / "a.mp4", range(30)).read_bytes())
    for name, offset, number in ((b"stsz", 8, 1), (b"stsz", 12, MILLIONS), (b"stts", 12, MILLIONS)):
        place = content.index(name) + offset
        content[place : place + 4] = number.to_bytes(4, "big")
    with (
        open_video(Video(), bytes(content), VideoLimits(max_decode_cpu_seconds=1)) as video,
        pytest.raises(VideoTooLong, match="declares more than 2000000 frames"),
    ):
        assert video.info
