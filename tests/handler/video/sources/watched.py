"""Opens videos and tells what Python opened and whom it connected to meanwhile.

Run by itself, since an audit hook stays for the rest of a process. In: JSON with the limits, the
resolver's answers, and the URIs. Out: JSON with one entry for each URI.
"""

import json
import socket
import sys
from typing import Any

from molmo2_contract.errors import Molmo2Error
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.opened import OpenVideo
from molmo2_handler.video.source import open_source

WATCHED = ("open", "socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen")


def main() -> None:
    given = json.load(sys.stdin)
    limits = VideoLimits(**given["limits"])
    resolver = Resolver(given["names"])
    seen: list[list[Any]] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED:
            seen.append([event, str(arguments[1 if event == "socket.connect" else 0])])

    "".encode("idna")  # Python opens its codec when it first asks for an address
    sys.addaudithook(watch)
    answers = {}
    for uri in given["uris"]:
        seen.clear()
        answer = answer_to(uri, limits, resolver)
        answers[uri] = {**answer, "seen": list(seen)}
    json.dump(answers, sys.stdout)


def answer_to(uri: str, limits: VideoLimits, resolver: "Resolver") -> dict[str, Any]:
    try:
        source = open_source(Video(uri=uri), None, limits, None, resolver)
        with OpenVideo(source, Video(), limits, None) as video:
            return {"kind": None, "frame_count": video.info.frame_count}
    except Molmo2Error as error:
        return {"kind": error.kind, "message": error.message, "field": error.field}


class Resolver:
    """Answers as it is told; of other names only those that are addresses, as libc reads them."""

    def __init__(self, names: dict[str, list[list[str]]]) -> None:
        self._names = names

    def __call__(self, host: str, port: int) -> list[str]:
        if host in self._names:
            answers = self._names[host]
            return answers.pop(0) if len(answers) > 1 else answers[0]
        numeric = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
        return [str(address[0]) for *_, address in numeric]


main()
