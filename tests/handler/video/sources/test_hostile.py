"""No URI leads inside: each is refused, and nothing behind it is opened.

What is opened and connected to is seen from four sides: by Python's audit events in the process
that opens the videos, by inotify in the folders beside the allowed one (FFmpeg opens files without
Python), and by two web servers.
"""

import ctypes
import json
import os
import runpy
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TABLE = runpy.run_path(str(HERE / "hostile.py"))
FILES = runpy.run_path(str(HERE / "reference_files.py"))
REFUSALS = ("invalid_request", "video_forbidden", "video_unreadable")


@dataclass
class Seen:
    """What came of all URIs of a kind, by their templates, and what was touched meanwhile."""

    answers: dict[str, dict[str, Any]]
    opened_files: list[str]
    inner_connections: int
    web_paths: list[str]
    web_port: int


class OpenedFiles:
    """Names of the files in some folders that any process opens, by inotify(7)."""

    IN_OPEN = 0x20

    def __init__(self, *folders: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for folder in folders:
            assert (
                self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), self.IN_OPEN)
                > 0
            )

    def names(self) -> list[str]:
        """Of the files opened since the last call."""
        found = []
        while select.select([self._descriptor], [], [], 0)[0]:
            events, at = os.read(self._descriptor, 65536), 0
            while at < len(events):
                (length,) = struct.unpack_from("I", events, at + 12)
                found.append(events[at + 16 : at + 16 + length].rstrip(b"\0").decode())
                at += 16 + length
        return found

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, render: Callable[..., Path]) -> Iterator[Path]:
    """An allowed folder ``root`` with all that can be put into one, and ``outside`` beside it."""
    folder = tmp_path_factory.mktemp("h")
    for name in ("root", "outside", "lists"):
        (folder / name).mkdir()
    clip = render(folder / "outside" / "secret.mp4", range(30)).read_bytes()
    root = folder / "root"
    (root / "a.mp4").write_bytes(clip)
    (root / "link.mp4").symlink_to(folder / "outside" / "secret.mp4")
    (root / "link-to-link.mp4").symlink_to("link.mp4")
    (root / "folder").symlink_to(folder / "outside")
    (root / "environment.mp4").symlink_to("/proc/self/environ")
    (root / "descriptor.mp4").symlink_to("/proc/self/fd/0")
    (root / "device.mp4").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket.mp4"))
        yield folder


@pytest.fixture(scope="module")
def look(folder: Path, start_server) -> Iterator[Callable[[list[str]], Seen]]:
    """Opens URIs given as templates."""
    with start_server("127.0.0.2") as web, start_server("127.0.0.1") as inner:
        places = {
            "web": web.port,
            "inner": inner.port,
            "root": folder / "root",
            "outside": folder / "outside",
            "lists": folder / "lists",
        }
        for name, location in TABLE["REDIRECTS"].items():
            web.redirect(f"/redirect/{name}", location.format(**places))
        web.redirect("/again", f"http://rebinding.media.example:{web.port}/a.mp4")
        clip = (folder / "root" / "a.mp4").read_bytes()
        for server in (web, inner):
            server.put("/a.mp4", clip)
        for name, content in containers(clip, places).items():
            (folder / "lists" / name).write_bytes(content)
            web.put(f"/lists/{name}", content)

        def look(templates: list[str]) -> Seen:
            watched = OpenedFiles(folder / "root", folder / "outside")
            uris = [template.format(**places) for template in templates]
            inner_before, web_before = inner.connections, len(web.requests)
            answers = open_watched(uris, folder, web.port, inner.port)
            seen = Seen(
                {template: answers[uri] for template, uri in zip(templates, uris, strict=True)},
                watched.names(),
                inner.connections - inner_before,
                web.paths[web_before:],
                web.port,
            )
            watched.close()
            return seen

        yield look


def containers(clip: bytes, places: dict[str, Any]) -> dict[str, bytes]:
    """Playlists and the like, and videos that say that their frames lie in another file."""
    lists = {name: text.format(**places).encode() for name, text in TABLE["CONTAINERS"].items()}
    secret = places["outside"] / "secret.mp4"
    inner = f"http://127.0.0.1:{places['inner']}/a.mp4"
    return lists | {
        "url-of-file.mov": FILES["with_url"](clip, f"file://{secret}"),
        "url-of-web.mov": FILES["with_url"](clip, inner),
        "alias.mov": FILES["with_alias"](clip, str(secret)),
    }


def open_watched(
    uris: list[str], folder: Path, web_port: int, inner_port: int
) -> dict[str, dict[str, Any]]:
    given = {
        "limits": {
            "allowed_roots": [str(folder / "root"), str(folder / "lists")],
            "allowed_hosts": TABLE["ALLOWED_HOSTS"],
            "allowed_ports": [80, 443, web_port, inner_port],
            "allowed_addresses": ["127.0.0.2/32"],
            "allowed_buckets": [TABLE["ALLOWED_BUCKET"]],
            "store_options": {"s3": {"endpoint_url": f"http://127.0.0.1:{inner_port}"}},
        },
        "names": TABLE["NAMES"],
        "uris": uris,
    }
    command = [sys.executable, str(HERE / "watched.py")]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def refused(look: Callable[[list[str]], Seen]) -> Seen:
    return look(TABLE["REFUSED"])


@pytest.fixture(scope="module")
def listed(look: Callable[[list[str]], Seen]) -> Seen:
    names = [*TABLE["CONTAINERS"], "url-of-file.mov", "url-of-web.mov", "alias.mov"]
    over_web = [f"http://videos.example:{{web}}/lists/{name}" for name in names]
    return look(over_web + [f"file://{{lists}}/{name}" for name in names])


@pytest.mark.parametrize("template", TABLE["REFUSED"])
def test_a_hostile_uri_is_refused(template: str, refused: Seen) -> None:
    answer = refused.answers[template]
    assert answer["kind"] in REFUSALS, answer
    assert answer["field"] == "video.uri"
    assert "password" not in answer["message"].replace("names and passwords", "")


def test_nothing_is_opened_for_a_hostile_uri(refused: Seen) -> None:
    assert refused.opened_files == []
    opened = [
        (template, what)
        for template, answer in refused.answers.items()
        for event, what in answer["seen"]
        if event in ("open", "subprocess.Popen", "socket.sendto")
    ]
    assert opened == []


def test_nothing_arrives_inside(refused: Seen) -> None:
    assert refused.inner_connections == 0


def test_only_the_server_that_redirects_is_connected_to(refused: Seen) -> None:
    for template, answer in refused.answers.items():
        connected = [what for event, what in answer["seen"] if event == "socket.connect"]
        redirects = "/redirect/" in template or template.endswith("/again")
        allowed = {str(("127.0.0.2", refused.web_port))} if redirects else set()
        assert set(connected) == allowed, template
    assert {path.rpartition("/")[0] for path in refused.web_paths} == {"/redirect", ""}


def test_the_systems_resolver_is_asked_for_addresses_only(refused: Seen) -> None:
    for answer in refused.answers.values():
        for event, what in answer["seen"]:
            assert event != "socket.getaddrinfo" or ip_address(what)


def test_at_least_sixty_are_tried(refused: Seen) -> None:
    assert len(refused.answers) == len(set(TABLE["REFUSED"])) >= 60


def test_a_file_that_names_others_leaves_them_closed(listed: Seen) -> None:
    assert listed.opened_files == []
    assert listed.inner_connections == 0
    assert all(path.startswith("/lists/") for path in listed.web_paths)
    for template, answer in listed.answers.items():
        connected = {what for event, what in answer["seen"] if event == "socket.connect"}
        assert connected <= {str(("127.0.0.2", listed.web_port))}, template


def test_a_file_that_holds_no_video_is_refused(listed: Seen) -> None:
    for template, answer in listed.answers.items():
        if not template.endswith(".mov") or "reference" in template:
            assert answer["kind"] == "video_unreadable", (template, answer)


def test_the_watch_sees_what_is_opened(look: Callable[[list[str]], Seen]) -> None:
    """Without this the tests above would prove nothing."""
    file, web = "file://{root}/a.mp4", "http://videos.example:{web}/a.mp4"
    seen = look([file, web])
    assert seen.opened_files == ["a.mp4"]
    assert [seen.answers[template]["frame_count"] for template in (file, web)] == [30, 30]
    assert any(what.endswith("/root/a.mp4") for _, what in seen.answers[file]["seen"])
    assert ["socket.connect", str(("127.0.0.2", seen.web_port))] in seen.answers[web]["seen"]
    assert seen.web_paths == ["/a.mp4"]
