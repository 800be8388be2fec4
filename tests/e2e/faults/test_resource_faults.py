"""Faults of what the server lives on: disk, archive, memory of the front end."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from watched import engine, heals, processes, unpacked, until, workers

from molmo2_client.credentials import read_inference_key

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = [{"operation": "embed"}]
NOBODY_ANSWERS = {"engine_unavailable", "deadline_exceeded", "overloaded"}
"""A worker has the request when it ends, or it waits in the queue, which others may have filled."""
NEAR_THE_BOUND = 120 * 2**20
"""Bytes of an upload."""


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """No byte is free on the file system of ``folder`` as long as the block lasts."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(2**20))
            except OSError:
                assert shutil.disk_usage(folder).free == 0
                yield
    finally:
        ballast.unlink()


def test_a_disk_that_is_full(scene):
    if not scene.disk:
        pytest.skip("this user may mount no small file system")
    with scene.fault("the run directory's disk is full") as blow:
        blow.strikes()
        with full(scene.server.options.run):
            kinds = {
                scene.ask("http", SHORT, media=media, start=start)
                for media, start in (("upload", 0.2), ("path", 0.3))
            }
            blow.ends("answered")
        assert kinds == {"answered"}


def test_a_disk_that_is_full_when_the_engine_and_a_worker_have_to_start(scene):
    if not scene.disk:
        pytest.skip("this user may mount no small file system")
    with scene.fault("the same, and the engine and a worker have to start") as blow:
        with full(scene.server.options.run):
            workers(scene.server)[0].kill()
            engine(scene.server).kill()
            blow.strikes()
            kind = scene.ask("http", SHORT, media="upload", timeout=20)
            blow.ends(f"`{kind}`")
        blow.strikes()
        assert kind == "answered"


def test_a_model_that_does_not_load(scene):
    with scene.fault("the model does not load, and all workers die") as blow:
        with broken(scene):
            blow.strikes()
            kind = scene.ask("http", SHORT, timeout=3, deadline_margin=1)
            blow.ends(f"`{kind}`")
        blow.strikes()
        assert kind in NOBODY_ANSWERS


def test_a_model_that_does_not_load_for_so_long_that_torchserve_gives_up(scene):
    with scene.fault("the same, until TorchServe starts no worker any more") as blow:
        before = heals(scene.server, "retries_exhausted")
        with broken(scene):
            blow.strikes()
            kind = scene.ask("http", SHORT, timeout=3, deadline_margin=1)
            blow.ends(f"`{kind}`")
            until(lambda: ping(scene) == 500, 60, "TorchServe to give up")
            until(lambda: heals(scene.server, "retries_exhausted") > before, 60, "another try")
        blow.strikes()
        assert kind in NOBODY_ANSWERS


@contextmanager
def broken(scene) -> Iterator[None]:
    """The archive has lost its way in, and no worker lives that had read it."""
    entry = unpacked(scene.server, "molmo2_service.py")
    aside = entry.with_name("aside")
    os.rename(entry, aside)
    try:
        for worker in workers(scene.server):
            worker.kill()
        yield
    finally:
        os.rename(aside, entry)


def ping(scene) -> int:
    """TorchServe's word on itself; 500 when it has given up on workers."""
    headers = {"Authorization": f"Bearer {read_inference_key(scene.server.key_file)}"}
    return httpx2.get(f"{scene.server.http_url}/ping", headers=headers).status_code


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_request_that_is_too_large(scene, transport):
    with scene.fault(f"a request beyond `max_request_size` ({transport})") as blow:
        blow.strikes()
        video = bytes(129 * 2**20)
        kind = scene.ask_about(video, transport, SHORT, max_upload_bytes=2**28)
        blow.ends(f"`{kind}`")
        assert kind == "too_large"


def test_large_uploads_at_once(scene):
    with scene.fault("8 uploads near `max_request_size` at once, half of them gRPC") as blow:
        blow.strikes()
        video = bytes(NEAR_THE_BOUND)
        (jvm,) = (process for process in processes(scene.server, "") if process.name() == "java")
        asking = [
            scene.pool.submit(
                scene.ask_about, video, transport, SHORT, max_upload_bytes=2**28, timeout=300
            )
            for transport in ("http", "grpc") * 4
        ]
        told = Counter(each.result() for each in asking)
        counts = ", ".join(f"{count} `{kind}`" for kind, count in sorted(told.items()))
        blow.ends(f"{counts}: they are no videos")
        blow.strikes()
        assert told["video_unreadable"] > 0
        assert set(told) <= {"video_unreadable", "overloaded"}
        assert jvm.is_running(), "its memory ended"
