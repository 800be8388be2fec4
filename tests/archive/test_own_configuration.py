"""A configuration of one's own, and what a checkpoint adds to it."""

import json
import zipfile

import pytest
import yaml

from molmo2_archive.build import Archive, BuildError, build
from molmo2_contract.weights import RECORD_NAME

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def pulled(make_folder):
    """Makes a folder as ``molmo2 weights pull`` leaves it, called after its revision."""

    def make(source):
        folder = make_folder(COMMIT)
        record = {"source": source, "revision": COMMIT, "files": {}}
        (folder / RECORD_NAME).write_text(json.dumps(record))
        return folder

    return make


@pytest.fixture
def own(tmp_path):
    """The configuration of an archive that is built from a file with these sections."""

    def read(checkpoint, sections, **options):
        file = tmp_path / "own.yaml"
        file.write_text(sections if isinstance(sections, str) else yaml.safe_dump(sections))
        archive = Archive("m", str(checkpoint), False, config=str(file), **options)
        with zipfile.ZipFile(build(archive, tmp_path / "store")) as content:
            return yaml.safe_load(content.read("model-config.yaml"))

    return read


def test_the_checkpoint_brings_its_name_revision_and_operations(own, pulled):
    config = own(pulled("allenai/Molmo2-VideoPoint-4B"), {"engine": {"dtype": "bfloat16"}})
    assert config["handler"]["checkpoint"] == "allenai/Molmo2-VideoPoint-4B"
    assert config["handler"]["operations"] == ["pointing"]
    assert config["engine"]["revision"] == COMMIT
    assert "max_context_tokens" not in config["engine"]


def test_operations_and_a_name_that_the_file_has_stay(own, pulled):
    named = {"handler": {"operations": ["pointing", "describe"], "checkpoint": "ours"}}
    config = own(pulled("allenai/Molmo2-VideoPoint-4B"), named)
    assert config["handler"] == named["handler"]


def test_every_operation_can_be_allowed(own, pulled):
    everything = {"handler": {"operations": None}}
    config = own(pulled("allenai/Molmo2-VideoPoint-4B"), everything)
    assert config["handler"]["operations"] is None


def test_with_the_gpus_memory_its_settings_are_those_that_the_file_leaves_open(own, pulled):
    file = {"engine": {"max_sequences": 20, "gpu_memory_fraction": 0.85}}
    engine = own(pulled("allenai/Molmo2-8B"), file, gpu_memory=80)["engine"]
    assert engine["max_context_tokens"] == 36864
    assert (engine["max_sequences"], engine["gpu_memory_fraction"]) == (20, 0.85)


def test_what_does_not_fit_that_gpu_is_refused(own, pulled):
    file = {"engine": {"max_context_tokens": 65536}}
    with pytest.raises(BuildError, match=r"weights take 15\.5 GB, .* 65536 tokens"):
        own(pulled("allenai/Molmo2-O-7B"), file, gpu_memory=24)


def test_a_fine_tune_is_served_like_what_it_was_made_from_under_its_own_name(own, pulled):
    folder = pulled("lab/Molmo2-4B-tuned")
    config = own(folder, {}, like="allenai/Molmo2-4B", gpu_memory=40)
    assert config["engine"]["max_context_tokens"] == 36864
    assert config["engine"]["max_sequences"] == 32
    assert config["handler"]["checkpoint"] == "lab/Molmo2-4B-tuned"


def test_a_fine_tune_that_nobody_named_keeps_the_name_of_its_folder(own, make_folder):
    config = own(make_folder("tuned"), {}, like="allenai/molmo2-videopoint-4b")
    assert config["handler"] == {"operations": ["pointing"]}


def test_memory_is_refused_where_nothing_is_known_of_the_checkpoint(own, make_folder):
    with pytest.raises(BuildError, match=r"--gpu-memory 80: .*tuned is none .*--like allenai/"):
        own(make_folder("tuned"), {}, gpu_memory=80)


def test_only_a_released_checkpoint_can_be_likened_to(own, make_folder):
    with pytest.raises(BuildError, match="--like lab/other: is none of allenai/Molmo2-4B, "):
        own(make_folder("tuned"), {}, like="lab/other")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("engine: [", "is not YAML"),
        ("- engine", "is no model-config.yaml"),
        ("", "is no model-config.yaml"),
        ("handler: 3", "handler is a section, and is 3"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(own, make_folder, content, told):
    with pytest.raises(BuildError, match=told):
        own(make_folder("weights"), content)
