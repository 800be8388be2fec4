"""Questions about images, answered by a real engine on the demonstration model."""

import io

import pytest
from PIL import Image

from molmo2_contract.errors import InvalidRequest, VideoUnreadable
from molmo2_contract.images import ImagesRequest
from molmo2_contract.operations import Describe, Embed, Pointing
from molmo2_contract.response import ModelInfo
from molmo2_contract.results import Status
from molmo2_handler.image_answering import ImageAnswerer
from molmo2_handler.video import VideoLimits

MODEL = ModelInfo(name="demo", version="1.0", checkpoint="demo")
QUESTIONS = [
    Pointing(prompt="circle", max_new_tokens=16),
    Describe(prompt="What is this?", max_new_tokens=16),
    Embed(),
]


@pytest.fixture(scope="module")
def answerer(engine, tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    return ImageAnswerer(engine, VideoLimits(allowed_roots=(root,)), MODEL)


def picture(colour, size=(90, 60)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def request(images=(), operations=QUESTIONS):
    return ImagesRequest(images=list(images), operations=operations, timeout=60)


def test_each_operation_is_answered_about_all_images(answerer):
    bodies = [picture("red"), picture("blue", (40, 90))]
    response = answerer.respond(request(), bodies, "r")
    assert [result.operation for result in response.results] == ["pointing", "describe", "embed"]
    assert not any(result.status is Status.ERROR for result in response.results)
    assert [(image.width, image.height) for image in response.images] == [(90, 60), (40, 90)]
    again = answerer.respond(request(), bodies, "r")
    assert again.timing.decode == 0
    assert again.results[1].text == response.results[1].text
    assert again.results[2].embedding == response.results[2].embedding


def test_the_order_of_images_matters_to_the_key(answerer):
    bodies = [picture("green"), picture("white")]
    one = answerer.respond(request(operations=[Embed()]), bodies, "r")
    other = answerer.respond(request(operations=[Embed()]), bodies[::-1], "r")
    assert one.results[0].embedding != other.results[0].embedding


@pytest.mark.parametrize(
    ("images", "bodies"), [((), []), (["file:///a.png"], [picture("red")])], ids=["none", "both"]
)
def test_images_come_in_one_of_two_ways(answerer, images, bodies):
    with pytest.raises(InvalidRequest, match="one of the two"):
        answerer.respond(request(images), bodies, "r")


def test_more_images_than_allowed_are_refused_with_the_bound(answerer):
    with pytest.raises(InvalidRequest, match="at most 16 images"):
        answerer.respond(request(), [picture("red")] * 17, "r")


def test_one_bad_image_is_named(answerer):
    with pytest.raises(VideoUnreadable) as error:
        answerer.respond(request(), [picture("red"), b"no image"], "r")
    assert error.value.field == "images[1]"
