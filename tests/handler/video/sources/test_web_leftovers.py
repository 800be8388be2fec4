"""What a fetched video leaves behind: nothing."""

import contextlib
import tempfile
from pathlib import Path

import psutil
from fetched import CONTENT, opened, refusal

from molmo2_contract.errors import (
    InternalError,
    Molmo2Error,
)


def open_files_in(folder: Path) -> list[str]:
    """The files of this process there, also those without a name."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one of this very listing
            links.append(str(descriptor.readlink()))
    return [link for link in links if link.startswith(f"{folder}/")]


def test_nothing_is_left_behind(web, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    web.put("/whole.mp4", CONTENT)
    web.put("/in-order.mp4", CONTENT, ranges=False)
    web.pages["/cut.mp4"] = lambda exchange: exchange.reply(206, Content_Range="bytes 0-9/10")
    web.redirect("/loop.mp4", "/loop.mp4")
    for path in ("/whole.mp4", "/in-order.mp4", "/cut.mp4", "/loop.mp4", "/gone.mp4"):
        for whence in (0, 2):
            with contextlib.suppress(Molmo2Error), opened(web, path) as source:
                source.file.seek(0, whence)
                source.file.read(10)
                assert list(tmp_path.iterdir()) == []
                assert len(open_files_in(tmp_path)) == 1
    assert open_files_in(tmp_path) == []
    connections = psutil.Process().net_connections()
    assert not [c for c in connections if c.raddr and c.raddr.port == web.port]


def test_without_room_for_it_a_video_is_not_fetched(web, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    web.put("/a.mp4", CONTENT)
    error = refusal(web)
    assert isinstance(error, InternalError)
    assert "has no room in" in error.message
