"""The archives of the released checkpoints."""

import json
import zipfile

import pytest
import yaml

from molmo2_archive.build import Archive, BuildError, build
from molmo2_archive.checkpoints import GPU_MEMORY, find, released
from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.weights import RECORD_NAME
from molmo2_engine.settings import EngineSettings
from molmo2_handler.settings import HandlerSettings

NAMES = {
    "allenai/Molmo2-4B",
    "allenai/Molmo2-8B",
    "allenai/Molmo2-O-7B",
    "allenai/Molmo2-VideoPoint-4B",
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def configuration(tmp_path):
    """The text of an archive's ``model-config.yaml``."""

    def read(checkpoint, **options):
        archive = Archive("m", str(checkpoint), carry_weights=False, **options)
        with zipfile.ZipFile(build(archive, tmp_path / "store")) as content:
            return content.read("model-config.yaml").decode()

    return read


@pytest.fixture
def pulled(make_folder):
    """A folder as ``molmo2 weights pull`` leaves it."""
    folder = make_folder("weights")
    record = {"source": "allenai/Molmo2-VideoPoint-4B", "revision": COMMIT, "files": {}}
    (folder / RECORD_NAME).write_text(json.dumps(record))
    return folder


def test_the_released_checkpoints_are_known():
    assert {known.name for known in released()} == NAMES


@pytest.mark.parametrize("known", released(), ids=lambda known: known.name)
def test_the_longest_request_fits_beside_the_weights_on_every_gpu(known):
    assert tuple(known.gpus) == GPU_MEMORY
    for memory, settings in known.gpus.items():
        left = 0.9e9 * memory - known.weight_bytes
        assert settings["max_context_tokens"] * known.cache_bytes_per_token < left
        assert set(settings) <= set(EngineSettings.model_fields)


@pytest.mark.parametrize("known", released(), ids=lambda known: known.name)
def test_it_is_served_in_bfloat16_at_a_pinned_revision_with_its_notes(known, configuration):
    text = configuration(known.name, revision=COMMIT, gpu_memory=80)
    config = yaml.safe_load(text)
    assert config["engine"]["checkpoint"] == known.name
    assert config["engine"]["revision"] == COMMIT
    assert config["engine"]["dtype"] == "bfloat16"
    assert config["engine"].items() >= known.gpus[80].items()
    assert text.startswith(f"# {known.notes.splitlines()[0]}")
    HandlerSettings(**config["handler"])


def test_one_of_them_points_only_and_the_others_do_everything(configuration):
    answered = {
        known.name: HandlerSettings(
            **yaml.safe_load(configuration(known.name, revision=COMMIT))["handler"]
        ).operations
        for known in released()
    }
    assert answered == dict.fromkeys(NAMES, None) | {"allenai/Molmo2-VideoPoint-4B": ["pointing"]}
    assert "pointing" in OPERATION_NAMES


@pytest.mark.parametrize(("memory", "used"), [(16, 24), (24, 24), (46, 40), (80, 80), (192, 141)])
def test_a_gpu_between_two_sizes_gets_the_settings_of_the_smaller(memory, used):
    known = find("allenai/molmo2-o-7b")
    assert known.engine_settings(memory) == known.gpus[used]


def test_pulled_weights_bring_their_name_and_revision(configuration, pulled):
    config = yaml.safe_load(configuration(pulled))
    assert config["engine"]["checkpoint"] == str(pulled)
    assert config["engine"]["revision"] == COMMIT
    assert config["handler"]["checkpoint"] == "allenai/Molmo2-VideoPoint-4B"
    assert config["handler"]["operations"] == ["pointing"]


def test_a_damaged_record_is_refused(configuration, pulled):
    (pulled / RECORD_NAME).write_text("{")
    with pytest.raises(BuildError, match="its record cannot be read"):
        configuration(pulled)


def test_a_folder_called_like_a_checkpoint_is_served_like_it(configuration, make_folder):
    config = yaml.safe_load(configuration(make_folder("Molmo2-8B")))
    assert config["handler"]["checkpoint"] == "allenai/Molmo2-8B"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("allenai/molmo2-8b", "allenai/Molmo2-8B"),
        ("/weights/Molmo2-8B/", "allenai/Molmo2-8B"),
        ("s3://models/Molmo2-VideoPoint-4B", "allenai/Molmo2-VideoPoint-4B"),
        ("someone/Molmo2-8B", None),
        ("/weights/Molmo2-9B", None),
    ],
)
def test_a_checkpoint_is_known_by_its_hub_name_or_its_folders(name, found):
    known = find(name)
    assert (known and known.name) == found


def test_another_checkpoint_gets_the_settings_of_any(configuration):
    config = yaml.safe_load(configuration("someone/Molmo2-4B", revision=COMMIT))
    assert "operations" not in config["handler"]
    assert config["engine"]["max_context_tokens"] == 12288
