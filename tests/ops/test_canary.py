"""The canary asks what the checkpoint answers."""

import io
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from molmo2_contract.video import Video
from molmo2_engine.client.canary import CANARY
from molmo2_handler.video import VideoLimits, open_video
from molmo2_ops.canary import Canary, black_image, black_video


class Checkpoint:
    """Answers some operations, about images or videos only, and remembers what it was asked."""

    def __init__(self, operations, media):
        self.operations, self.media = operations, media
        self.asked = []

    def answer(self, form):
        request = json.loads(re.search(rb"\r\n\r\n(\{.*?\})\r\n--", form, re.DOTALL)[1])
        (operation,) = request["operations"]
        media = "images" if "images" in request else "video"
        self.asked.append((operation["operation"], media, request["request_id"]))
        if operation["operation"] not in self.operations:
            return self.refused("operations[0].operation")
        if media not in self.media:
            return self.refused(media)
        return 200, {"results": [{"error": None}]}

    def refused(self, field):
        return 400, {"error": {"kind": "invalid_request", "message": "no", "field": field}}


@pytest.fixture
def asked_of(tmp_path):
    stops = []

    def asked_of(checkpoint):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                status, body = checkpoint.answer(
                    self.rfile.read(int(self.headers["Content-Length"]))
                )
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, format, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        canary = Canary(url, tmp_path / "key_file.json", 10.0, None)
        stops.extend([server.server_close, thread.join, server.shutdown, canary.close])
        return canary

    yield asked_of
    for stop in reversed(stops):
        stop()


ALL = ("describe", "pointing", "embed")


@pytest.mark.parametrize("operations", [ALL, ("pointing",), ("embed",)])
@pytest.mark.parametrize("media", [("images", "video"), ("video",)])
def test_it_finds_what_is_answered_and_then_asks_that(asked_of, operations, media):
    checkpoint = Checkpoint(operations, media)
    canary = asked_of(checkpoint)
    assert canary.ask("m/1.0") is None
    found = checkpoint.asked[-1]
    assert found == (operations[0], media[0], CANARY)
    checkpoint.asked.clear()
    assert canary.ask("m/1.0") is None
    assert checkpoint.asked == [found]


def test_one_that_answers_nothing_is_told_why(asked_of):
    failure = asked_of(Checkpoint((), ())).ask("m/1.0")
    assert str(failure) == "invalid_request: no"
    assert not failure.may_be_load


def test_one_that_does_not_answer_is_told(tmp_path):
    canary = Canary("http://127.0.0.1:1", tmp_path / "key_file.json", 1.0, None)
    failure = canary.ask("m/1.0")
    assert str(failure) == "no answer: ConnectError"
    assert failure.may_be_load
    canary.close()


def test_its_image_is_a_picture():
    image = Image.open(io.BytesIO(black_image()))
    image.load()
    assert (image.size, image.getextrema()) == ((32, 32), (0, 0))


def test_its_video_is_one():
    until = time.monotonic() + 60
    with open_video(Video(), black_video(), VideoLimits(), until) as video:
        frames = video.frames(32)
    assert frames.images.shape[1:] == (32, 32, 3)
    assert not frames.images.any()
