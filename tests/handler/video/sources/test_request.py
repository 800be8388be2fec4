"""Whole requests about videos that lie elsewhere, with a real engine and the system's resolver."""

import time

import pytest

from molmo2_contract.errors import DeadlineExceeded, VideoForbidden
from molmo2_contract.operations import Embed
from molmo2_contract.request import Request
from molmo2_contract.response import ModelInfo
from molmo2_contract.results import Status
from molmo2_contract.video import Video
from molmo2_handler.answering import Answerer
from molmo2_handler.video import VideoLimits

MODEL = ModelInfo(name="molmo2-demo", version="1.0", checkpoint="weights")


@pytest.fixture
def answer(web, engine):
    limits = VideoLimits(
        allowed_hosts=(web.host,),
        allowed_ports=(web.port,),
        allowed_addresses=(f"{web.host}/32",),
    )
    answerer = Answerer(engine, limits, 168, MODEL)

    def answer(path: str, host: str = web.host, timeout: float = 60.0):
        uri = f"http://{host}:{web.port}{path}"
        request = Request(video=Video(uri=uri), operations=[Embed()], timeout=timeout)
        return answerer.respond(request, None, "request-1")

    return answer


def test_a_video_on_the_web_is_answered_and_not_decoded_twice(answer, web, video) -> None:
    web.put("/shapes.mp4", video.path.read_bytes())
    first, again = answer("/shapes.mp4"), answer("/shapes.mp4")
    assert first.results[0].status == again.results[0].status == Status.OK
    assert first.results[0].embedding == again.results[0].embedding
    assert first.timing.decode > 0
    assert again.timing.decode == 0


def test_a_host_that_is_not_allowed_is_refused(answer, web) -> None:
    with pytest.raises(VideoForbidden, match="setting allowed_hosts"):
        answer("/shapes.mp4", host="localhost")
    assert web.connections == 0


def test_fetching_ends_at_the_requests_timeout(answer, web) -> None:
    web.pages["/slow.mp4"] = lambda exchange: time.sleep(2)
    with pytest.raises(DeadlineExceeded, match="while its video was fetched"):
        answer("/slow.mp4", timeout=1.0)
