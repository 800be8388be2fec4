"""Questions about images, as they are put."""

import json
from pathlib import Path

import pytest

from molmo2_client.call import Call
from molmo2_client.errors import InvalidRequest, TooLarge, VideoNotFound
from molmo2_client.pictures import compose_images, listed, told
from molmo2_client.settings import Settings
from molmo2_contract.operations import Embed, Pointing
from molmo2_contract.request import parse_request

CAT = Pointing(prompt="cat")


def settings(**given):
    return Settings.load(**given)


def test_files_and_bytes_travel_as_numbered_parts(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"a")
    request, sent = compose_images(settings(), [path, b"b"], CAT)
    call = Call.ask_images(request, sent)
    assert call.parts == {"image_1": path, "image_2": b"b"}
    assert parse_request(json.loads(call.document)).images == []


def test_uris_stand_in_the_request():
    request, sent = compose_images(settings(), ["https://example.org/a.png"], [CAT, Embed()])
    assert request.images == ["https://example.org/a.png"]
    assert Call.ask_images(request, sent).parts == {}


def test_paths_that_the_server_can_read_become_uris(tmp_path):
    request, sent = compose_images(settings(media="path"), [tmp_path / "a b.png"], CAT)
    assert request.images == [(tmp_path / "a b.png").as_uri()]
    assert sent == []


@pytest.mark.parametrize("image", [b"a", "a.png", Path("a.png")])
def test_one_image_needs_no_list(image):
    assert listed(image) == listed([image]) == listed(iter([image])) == [image]


def test_images_that_the_server_opens_are_those_that_it_may_not_see():
    assert told(["/a.png", "/b.png"], []) == {"images[0]": "/a.png", "images[1]": "/b.png"}
    assert told(["/a.png"], [b"its bytes"]) == {}


@pytest.mark.parametrize("images", [[], [b"a", "https://example.org/a.png"]], ids=["none", "both"])
def test_images_come_in_one_of_two_ways(images):
    with pytest.raises(InvalidRequest, match="one of the two"):
        compose_images(settings(), images, CAT)


def test_operations_about_videos_are_refused_with_those_there_are():
    with pytest.raises(InvalidRequest, match="expected one of pointing, describe, embed"):
        compose_images(settings(), [b"a"], {"operation": "tracking", "prompt": "cat"})


def test_the_bytes_of_all_images_are_bounded_together(tmp_path):
    with pytest.raises(TooLarge, match="images: 11 bytes"):
        compose_images(settings(max_upload_bytes=10), [b"123456", b"78901"], CAT)
    with pytest.raises(VideoNotFound):
        compose_images(settings(), [tmp_path / "none.png"], CAT)
