"""A checkpoint that says nothing about images: they are refused, and it is ready."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from watched import is_ready, metrics, until

from molmo2_archive.build import Archive, build
from molmo2_client import InvalidRequest
from molmo2_client.serving import running_server
from molmo2_ops.canary import black_image

pytestmark = pytest.mark.e2e


ROOT = Path(__file__).parents[2]


@pytest.fixture
def videos_only(prepare_a_server, make_stage, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    images = shutil.ignore_patterns("preprocessor_config.json")
    shutil.copytree(ROOT / "demo/checkpoint", checkpoint, ignore=images)
    one = ("minWorkers=1", "maxWorkers=1")
    with prepare_a_server() as options:
        for archive in options.model_store.iterdir():
            archive.unlink()
        archive = Archive("molmo2-demo", str(checkpoint), True, "molmo2-demo", changes=one)
        build(archive, options.model_store)
        with running_server(replace(options, watched=True)) as server:
            yield make_stage(server, options.allowed_roots[0])


def test_it_is_ready_by_a_video_though_it_answers_about_no_image(videos_only):
    until(lambda: is_ready(videos_only.server), 60, "readiness")
    assert metrics(videos_only.server)['molmo2_canaries_total{model="molmo2-demo",outcome="ok"}']
    with videos_only.client("http") as client, pytest.raises(InvalidRequest, match="videos only"):
        client.ask_images([black_image()], [{"operation": "embed"}])
