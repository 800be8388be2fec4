"""Questions about images, through a real server."""

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from molmo2_client import AsyncMolmo2, InvalidRequest, VideoForbidden, VideoUnreadable
from molmo2_contract.results import Status

pytestmark = pytest.mark.e2e

OPERATIONS = [
    {"operation": "pointing", "prompt": "circle", "max_new_tokens": 32},
    {"operation": "describe", "prompt": "What is this?", "max_new_tokens": 32},
    {"operation": "embed"},
]


def picture(colour, size=(80, 60)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def test_one_image_and_several_are_answered(client, stage):
    path = stage.videos / "blue.png"
    path.write_bytes(picture("blue"))
    for images in (picture("red"), [picture("red"), path]):
        response = client.ask_images(images, OPERATIONS)
        assert [result.operation for result in response.results] == [
            "pointing",
            "describe",
            "embed",
        ]
        assert not any(result.status is Status.ERROR for result in response.results)
        assert (response.images[0].width, response.images[0].height) == (80, 60)


def test_bytes_and_paths_give_the_same_answer(client, stage):
    path = stage.videos / "green.png"
    path.write_bytes(picture("green"))
    sent = client.ask_images(path, OPERATIONS)
    named = client.ask_images(path.as_uri(), OPERATIONS)
    assert sent.results[1].text == named.results[1].text
    assert sent.results[2].embedding == named.results[2].embedding


def test_the_asynchronous_client_asks_too(stage):
    async def ask():
        key_file = stage.server.key_file
        async with AsyncMolmo2(stage.server.http_url, model="molmo2-demo", key_file=key_file) as c:
            return await c.ask_images(picture("white"), {"operation": "embed"})

    (result,) = asyncio.run(ask()).results
    assert len(result.embedding) == 256


def test_bad_images_have_their_own_errors(client):
    with pytest.raises(VideoUnreadable) as error:
        client.ask_images([picture("red"), b"no image"], OPERATIONS)
    assert error.value.field == "images[1]"
    with pytest.raises(VideoForbidden):
        client.ask_images("file:///etc/passwd", OPERATIONS)
    with pytest.raises(InvalidRequest):
        client.ask_images("gopher://example.org/a.png", OPERATIONS)


LABEL = """
import sys
import fiftyone as fo
import fiftyone.zoo as foz
import molmo2_client.fiftyone.zoo
from molmo2_client import Molmo2
from molmo2_client.fiftyone import label_dataset

folder, url, key_file = sys.argv[1:]
dataset = fo.Dataset.from_images_dir(folder, name="pictures", persistent=True)
operations = [
    {"operation": "pointing", "prompt": "circle", "max_new_tokens": 32},
    {"operation": "describe", "prompt": "What is this?", "max_new_tokens": 32},
    {"operation": "embed"},
]
with Molmo2(url, key_file=key_file) as molmo2:
    summary = label_dataset(dataset, operations, client=molmo2, progress=False)
assert summary.labelled == len(dataset) == 3, summary
assert dataset.get_field("molmo2_points").document_type is fo.Keypoints
assert len(dataset.exists("molmo2_embedding")) == 3

model = foz.load_zoo_model("allenai/Molmo2-4B", url=url, model="molmo2-demo", key_file=key_file)
model.operation, model.prompt, model.max_new_tokens = "describe", "What is this?", 32
dataset.apply_model(model, "zoo", batch_size=3, skip_failures=False)
assert dataset.values("zoo_description") == dataset.values("molmo2_description")
assert dataset.compute_embeddings(model, skip_failures=False).shape == (3, 256)
assert "torch" not in sys.modules
"""


def test_a_fiftyone_dataset_of_images_is_labelled(stage, tmp_path, database):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for colour in ("red", "green", "blue"):
        (pictures / f"{colour}.png").write_bytes(picture(colour))
    url, key_file = stage.server.http_url, str(stage.server.key_file)
    molmo2 = Path(sys.executable).with_name("molmo2")
    again = [molmo2, "embed", "pictures", "--url", url, "--key-file", key_file, "--pooling", "max"]

    for command in ([sys.executable, "-c", LABEL, pictures, url, key_file], again):
        environment = {**os.environ, **database}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout)
    assert (summary["media_type"], summary["samples"], summary["failed"]) == ("image", 3, 0)


def test_the_command_asks_about_files(stage, tmp_path):
    path = tmp_path / "red.png"
    path.write_bytes(picture("red"))
    command = [Path(sys.executable).with_name("molmo2"), "ask-images", path, path]
    server = ["--url", stage.server.http_url, "--key-file", stage.server.key_file]
    question = ["--operation", "describe", "--prompt", "What is this?", "--model", "molmo2-demo"]
    done = subprocess.run([*command, *question, *server], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["images"]) == 2
