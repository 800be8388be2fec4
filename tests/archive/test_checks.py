"""What an archive is refused for, before a server finds out."""

import sys
from pathlib import Path

import pytest

from molmo2_archive.build import Archive, BuildError, build
from molmo2_contract.weights import RECORD_NAME, WeightsRecord

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def refusal(tmp_path):
    """Why an archive is not built; nothing is written."""

    def refused(checkpoint, **options):
        store = tmp_path / "store"
        with pytest.raises(BuildError) as error:
            build(Archive("m", str(checkpoint), **{"carry_weights": False} | options), store)
        assert not store.exists()
        return str(error.value)

    return refused


@pytest.mark.parametrize("name", ["/weights/Molmo2-4B", "Molmo2-4B", "a/b/c"])
def test_what_is_neither_here_nor_a_name_on_the_hub(refusal, name):
    assert refusal(name) == f"{name}: no such folder; on the hub a checkpoint is called OWNER/NAME"


@pytest.mark.parametrize("carry_weights", [False, True])
def test_a_folder_that_holds_another_model(refusal, make_folder, carry_weights):
    folder = make_folder("other", model_type="qwen3")
    (folder / "model.safetensors").touch()
    assert (
        refusal(folder, carry_weights=carry_weights)
        == f"{folder}: model_type is 'qwen3'; only 'molmo2' is served"
    )


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_folder_whose_configuration_cannot_be_read(refusal, make_folder, content):
    folder = make_folder("damaged")
    (folder / "config.json").write_text(content)
    assert "config.json cannot be read" in refusal(folder)


def test_a_folder_that_is_no_checkpoint(refusal, tmp_path):
    assert "has no config.json" in refusal(tmp_path)


@pytest.mark.parametrize("version", ["", "2/0", "new one"])
def test_a_version_that_no_address_can_name(refusal, version):
    message = refusal("allenai/Molmo2-4B", revision="0123abc", version=version)
    assert message.startswith(f"--version {version}: letters, digits")


def test_a_folder_with_nothing_but_pickles_is_not_carried(refusal, make_folder):
    folder = make_folder("pickled")
    (folder / "pytorch_model.bin").touch()
    assert "no weights to carry; only safetensors are" in refusal(folder, carry_weights=True)


@pytest.mark.parametrize("revision", ["main", "bad", "abc123", "v1.0", 41 * "a"])
def test_a_revision_that_pins_nothing(refusal, revision):
    why = refusal("allenai/Molmo2-4B", revision=revision)
    assert why.startswith(f"revision '{revision}' is no commit")


def test_a_branch_that_is_to_be_followed_is_none(tmp_path):
    followed = Archive(
        "m", "allenai/Molmo2-4B", carry_weights=False, revision="main", unpinned=True
    )
    assert build(followed, tmp_path).is_file()


def test_another_revision_than_the_folder_holds(refusal, make_folder):
    folder = make_folder("weights")
    record = WeightsRecord(source="allenai/Molmo2-4B", revision=COMMIT, files={})
    (folder / RECORD_NAME).write_text(record.model_dump_json())
    assert f"holds revision {COMMIT}, not abcdef0" in refusal(folder, revision="abcdef0")


@pytest.mark.parametrize(
    ("memory", "changes", "told"),
    [
        (16, (), "take 17.3 GB in bfloat16, and there are 14.4 GB (0.9 of 1 times 16 GB"),
        (24, ("engine.dtype=float32",), "take 34.6 GB in float32, and there are 21.6 GB"),
        (24, ("engine.gpu_memory_fraction=0.5",), "there are 12.0 GB (0.5 of 1 times 24 GB"),
    ],
)
def test_weights_that_fit_on_no_such_gpu(refusal, memory, changes, told):
    asked = {"revision": COMMIT, "gpu_memory": memory, "changes": changes}
    why = refusal("allenai/Molmo2-8B", **asked)
    assert told in why
    assert "gpus_per_engine=2" in why


def test_the_longest_request_that_does_not_fit_beside_the_weights(refusal):
    change = "engine.max_context_tokens=65536"
    why = refusal("allenai/Molmo2-O-7B", revision=COMMIT, gpu_memory=24, changes=(change,))
    assert "weights take 15.5 GB, keys and values of 65536 tokens (max_context_tokens) 34.4" in why
    assert "there are 21.6 GB" in why
    assert why.endswith("or lower max_context_tokens to 11264")


@pytest.mark.parametrize(
    "changes", [("engine.cache_tokens=40000",), ("engine.max_context_tokens=36864",)]
)
def test_int8_makes_room_for_keys_and_values(refusal, tmp_path, changes):
    asked = {"revision": COMMIT, "gpu_memory": 24}
    assert "weights take 17.3 GB" in refusal("allenai/Molmo2-8B", changes=changes, **asked)
    rounded = (*changes, "engine.quantization=int8")
    archive = Archive("m", "allenai/Molmo2-8B", False, changes=rounded, **asked)
    assert build(archive, tmp_path).is_file()


@pytest.mark.parametrize(
    "changes",
    [("engine.dtype=float32", "engine.gpus_per_engine=2"), ("deviceType=cpu",)],
)
def test_weights_that_are_laid_over_two_gpus_or_on_none_are_not_refused(changes, tmp_path):
    asked = {"revision": COMMIT, "gpu_memory": 24, "changes": changes}
    archive = Archive("m", "allenai/Molmo2-8B", carry_weights=False, **asked)
    assert build(archive, tmp_path).is_file()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("handler.most_videos=3", "handler.most_videos: there is no such setting"),
        ("handler.max_timeout=-1", "handler.max_timeout=-1: Input should be greater than 0"),
        ("handler.video.max_duration=x", "handler.video.max_duration='x': Input should be"),
        ("engine.quantisation=int9", "engine.quantisation: there is no such setting"),
        ("engine.quantization=int9", "engine.quantization='int9': Input should be 'none'"),
        ("engine.max_sequences=-4", "engine.max_sequences=-4: Input should be greater than"),
        ("handler.operations=[paint]", "handler.operations.0='paint': Input should be 'pointing'"),
    ],
)
def test_a_setting_that_there_is_not_or_not_with_such_a_value(refusal, change, told):
    assert refusal("allenai/Molmo2-4B", revision=COMMIT, changes=(change,)).startswith(told)


def test_a_reference_without_its_code(refusal, make_folder):
    why = refusal(make_folder("weights"), reference_python=Path(sys.executable))
    assert "the released code is not here" in why
