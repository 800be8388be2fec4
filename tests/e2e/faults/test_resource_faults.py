"""Faults of what the server lives on: disk, archive, memory of the front end."""

import os
import resource
from pathlib import Path

import pytest
from watched import workers

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = [{"operation": "embed"}]


def test_a_disk_that_is_full(scene):
    with scene.fault("the disk is full: workers can write no file") as blow:
        full, whole = (0, resource.RLIM_INFINITY), (resource.RLIM_INFINITY,) * 2
        blow.strikes()
        try:
            for worker in workers(scene.server):
                resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, full)
            kinds = {
                scene.ask("http", SHORT, media=media, start=start)
                for media, start in (("upload", 0.2), ("path", 0.3))
            }
        finally:
            for worker in workers(scene.server):
                resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, whole)
        blow.ends(", ".join(sorted(kinds)))
    assert kinds == {"answered"}


def test_a_model_that_does_not_load(scene):
    (entry,) = Path(scene.server.options.run).glob("tmp/models/*/molmo2_service.py")
    aside = entry.with_name("aside")
    with scene.fault("the model does not load, and all workers die", for_all=True) as blow:
        os.rename(entry, aside)
        for worker in workers(scene.server):
            worker.kill()
        blow.strikes()
        kind = scene.ask("http", SHORT, timeout=3, deadline_margin=1)
        blow.ends(f"`{kind}`")
        os.rename(aside, entry)
        blow.strikes()
    assert kind == "deadline_exceeded"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_request_that_is_too_large(scene, transport):
    with scene.fault(f"a request beyond `max_request_size` ({transport})") as blow:
        blow.strikes()
        video = bytes(129 * 2**20)
        kind = scene.ask_about(video, transport, SHORT, max_upload_bytes=2**28)
        blow.ends(f"`{kind}`")
    assert kind == "too_large"
