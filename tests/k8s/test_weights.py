"""The weights, as a pod's init container fetches them: its own command, and the real puller."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rendering import OVERLAYS, ROOT, container, the
from small_hub import COMMIT, FETCHED, NAME, SmallHub, checkpoint_files, serve

from molmo2_contract.weights import WeightsRecord

PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"


def run(weights, checkpoint, revision, path=PATH, **environment):
    """The init container's command, with the volume and its variables as given."""
    arguments = container("weights-pvc", "weights")["args"]
    arguments = [argument.replace("/weights", str(weights)) for argument in arguments]
    told = {"CHECKPOINT": str(checkpoint), "REVISION": revision, "NAME": "molmo2-4b"}
    told |= {"PATH": path, "HOME": str(weights), **environment}
    return subprocess.run(arguments, env=told, capture_output=True, text=True)


@pytest.fixture
def weights(tmp_path):
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


@pytest.fixture
def hub():
    with serve(SmallHub(NAME, checkpoint_files())) as hub:
        yield hub


def held(weights, revision):
    """The record of what is there."""
    return WeightsRecord.read(weights / "molmo2-4b" / revision)


@pytest.mark.parametrize("revision", ["main", COMMIT])
def test_a_revision_of_the_hub_is_fetched_once_and_then_nobody_is_asked(weights, hub, revision):
    first = run(weights, NAME, revision, HF_ENDPOINT=hub.url)
    assert first.returncode == 0, first.stderr
    assert (held(weights, revision).source, held(weights, revision).revision) == (NAME, COMMIT)
    again = run(weights, NAME, revision, path="/usr/bin:/bin")  # where there is no puller
    assert again.returncode == 0, again.stderr


def test_a_revision_that_the_hub_does_not_have_is_a_failure_that_names_it(weights, hub):
    failed = run(weights, NAME, "gone", HF_ENDPOINT=hub.url)
    assert failed.returncode != 0
    assert "no revision 'gone'" in failed.stderr


def test_what_is_gated_is_fetched_with_the_secrets_token(weights, hub):
    hub.token = "hf_secret"
    assert "HF_TOKEN" in run(weights, NAME, COMMIT, HF_ENDPOINT=hub.url).stderr
    done = run(weights, NAME, COMMIT, HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("scheme", ["file://", ""], ids=["store", "folder"])
def test_a_store_and_a_folder_need_no_revision_but_a_name_for_it(weights, tmp_path, scheme):
    shutil.copytree(ROOT / "demo" / "checkpoint", tmp_path / "bucket")
    done = run(weights, f"{scheme}{tmp_path}/bucket", "2026-11")
    assert done.returncode == 0, done.stderr
    assert held(weights, "2026-11").revision is None
    assert (weights / "molmo2-4b" / "2026-11" / "model.safetensors").is_file()


def test_a_source_that_is_away_is_a_failure_that_names_it(weights, tmp_path):
    failed = run(weights, tmp_path / "gone", "2026-11")
    assert failed.returncode != 0
    assert "gone" in failed.stderr


def test_of_pods_that_start_at_once_one_fetches_and_the_others_wait_for_it(weights, hub):
    with ThreadPoolExecutor(3) as pods:
        started = [pods.submit(run, weights, NAME, COMMIT, HF_ENDPOINT=hub.url) for _ in range(3)]
        ended = [pod.result() for pod in started]
    assert [one.returncode for one in ended] == [0, 0, 0], [one.stderr for one in ended]
    assert sorted(name for name, _ in hub.asked) == sorted(FETCHED)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_credentials_are_a_secret_that_need_not_be_there(overlay):
    for name, secret in (("weights", "weights"), ("server", "media")):
        (source,) = (
            source["secretRef"]
            for source in container(overlay, name)["envFrom"]
            if "secretRef" in source
        )
        assert source == {"name": f"molmo2-{secret}-credentials", "optional": True}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_revisions_lie_side_by_side_and_the_archive_names_the_one_asked_for(overlay):
    model = the(overlay, "ConfigMap", "molmo2-model")["data"]
    assert model["REVISION"]
    for name in ("weights", "archive"):
        one = container(overlay, name)
        script = " ".join([*one.get("command", ()), *one.get("args", ())])
        assert '"/weights/$NAME/$REVISION"' in script
