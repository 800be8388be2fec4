"""What is in an archive, and what cannot be built."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from molmo2_archive import build as builder
from molmo2_archive.build import Archive, BuildError, build
from molmo2_engine.settings import EngineSettings
from molmo2_handler.settings import HandlerSettings

ROOT = Path(__file__).parents[2]
CHECKPOINT = ROOT / "demo" / "checkpoint"
ROOMS = {"molmo2_contract": "contract", "molmo2_engine": "engine", "molmo2_handler": "handler"}
CONFIGS = sorted(Path(builder.__file__).with_name("configs").glob("*.yaml"))


@pytest.fixture
def built(tmp_path):
    """The configuration and the file names of an archive."""

    def build_one(name, checkpoint, **options):
        path = build(
            Archive(name, str(checkpoint), **{"carry_weights": False, "unpinned": True, **options}),
            tmp_path,
        )
        with zipfile.ZipFile(path) as content:
            return yaml.safe_load(content.read("model-config.yaml")), content.namelist()

    return build_one


def test_it_is_called_after_the_model(demo_archive):
    assert demo_archive.name == "molmo2-demo.mar"
    assert demo_archive.is_file()


def test_its_manifest_names_model_handler_and_configuration(unpacked):
    manifest = json.loads((unpacked / "MAR-INF" / "MANIFEST.json").read_text())
    assert manifest["model"] == {
        "modelName": "molmo2-demo",
        "handler": "molmo2_service.py",
        "modelVersion": "1.0",
        "configFile": "model-config.yaml",
    }


@pytest.mark.parametrize("package", ROOMS)
def test_it_carries_every_module_of_a_package(unpacked, package):
    source = ROOT / ROOMS[package] / package
    expected = {path.relative_to(source) for path in source.rglob("*.py")}
    carried = unpacked / "packages" / package
    assert {path.relative_to(carried) for path in carried.rglob("*.py")} == expected
    for path in expected:
        assert (carried / path).read_bytes() == (source / path).read_bytes()


def test_it_carries_nothing_that_no_worker_reads(unpacked):
    names = {path.name for path in (unpacked / "packages").rglob("*")}
    assert "__pycache__" not in names
    assert {Path(name).suffix for name in names} <= {"", ".py", ".json", ".lark"}
    assert {path.name for path in (unpacked / "packages").iterdir()} == set(ROOMS)
    assert {path.name for path in unpacked.iterdir()} == {
        "MAR-INF",
        "model-config.yaml",
        "molmo2_service.py",
        "packages",
        "torch.py",
        "weights",
    }


def test_pickles_and_code_beside_the_weights_are_not_carried(built, tmp_path):
    folder = shutil.copytree(CHECKPOINT, tmp_path / "weights")
    for name in ("training_args.bin", "modeling_molmo2.py", "optimizer.pt", ".netrc"):
        (folder / name).touch()
    _, names = built("m", folder, carry_weights=True, config="molmo2-demo")
    carried = {Path(name).name for name in names if name.startswith("weights/")}
    assert carried - {""} == {path.name for path in CHECKPOINT.iterdir()}


def test_it_carries_the_weights_and_its_configuration_names_them(unpacked):
    config = yaml.safe_load((unpacked / "model-config.yaml").read_text())
    assert config["engine"]["checkpoint"] == "weights"
    for path in CHECKPOINT.iterdir():
        assert (unpacked / "weights" / path.name).read_bytes() == path.read_bytes()


def test_its_configuration_is_the_one_that_was_asked_for(unpacked):
    written = yaml.safe_load((unpacked / "model-config.yaml").read_text())
    source = Path(builder.__file__).with_name("configs") / "molmo2-demo.yaml"
    del written["engine"]["revision"]
    assert written == yaml.safe_load(source.read_text())


def test_a_folder_that_nobody_pulled_has_the_revision_of_its_content(built, unpacked, tmp_path):
    def revision(folder, **options):
        config, _ = built("m", folder, config="molmo2-demo", unpinned=False, **options)
        return config["engine"]["revision"]

    carried = yaml.safe_load((unpacked / "model-config.yaml").read_text())["engine"]["revision"]
    copy = shutil.copytree(CHECKPOINT, tmp_path / "copy")
    assert revision(copy) == revision(copy, carry_weights=True) == carried
    (copy / "modeling_molmo2.py").touch()  # which no engine reads
    assert revision(copy) == carried
    (copy / "chat_template.jinja").write_text("{{ messages }}")
    assert revision(copy).startswith("sha256:")
    assert revision(copy) != carried


def test_carried_weights_are_named_after_their_folder(built, tmp_path):
    copy = shutil.copytree(CHECKPOINT, tmp_path / "ours")
    config, _ = built("m", copy, carry_weights=True)
    assert config["handler"]["checkpoint"] == "ours"


def test_it_may_follow_its_folder(built):
    config, _ = built("m", CHECKPOINT, config="molmo2-demo", unpinned=True)
    assert "revision" not in config["engine"]


def test_a_name_on_the_hub_is_named_not_carried(built):
    config, names = built("molmo2-4b", "allenai/Molmo2-4B", revision="0123abc")
    assert config["engine"]["checkpoint"] == "allenai/Molmo2-4B"
    assert config["engine"]["revision"] == "0123abc"
    assert config["deviceType"] == "gpu"
    assert not any(name.startswith("weights") for name in names)


def test_a_hub_name_without_a_revision_is_refused_unless_told(built):
    with pytest.raises(BuildError, match=r"allenai/Molmo2-4B: which revision\? .*--unpinned"):
        built("molmo2-4b", "allenai/Molmo2-4B", unpinned=False)
    config, _ = built("molmo2-4b", "allenai/Molmo2-4B", unpinned=True)
    assert "revision" not in config["engine"]


def test_a_folder_is_named_by_its_absolute_path(built, monkeypatch):
    monkeypatch.chdir(ROOT)
    config, names = built("demo", "demo/checkpoint", config="molmo2-demo")
    assert config["engine"]["checkpoint"] == str(CHECKPOINT)
    assert not any(name.startswith("weights") for name in names)


def test_a_second_build_replaces_the_first(built, tmp_path):
    built("m", "allenai/Molmo2-4B")
    config, _ = built("m", "allenai/Molmo2-8B")
    assert config["engine"]["checkpoint"] == "allenai/Molmo2-8B"
    assert [path.name for path in tmp_path.iterdir()] == ["m.mar"]


def test_another_version_lies_beside_the_first(built, tmp_path):
    for version in ("1.0", "2.0"):
        built("m", "allenai/Molmo2-4B", version=version)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m-2.0.mar", "m.mar"]
    with zipfile.ZipFile(tmp_path / "m-2.0.mar") as archive:
        model = json.loads(archive.read("MAR-INF/MANIFEST.json"))["model"]
    assert (model["modelName"], model["modelVersion"]) == ("m", "2.0")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_holds_only_settings_that_there_are(path):
    config = yaml.safe_load(path.read_text())
    HandlerSettings(**config["handler"])
    EngineSettings(**{**config["engine"], "checkpoint": "weights", "socket": "e.sock"})
    assert set(config["engine"]) <= set(EngineSettings.model_fields)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_gives_its_timeouts_room_in_each_other(path):
    config = yaml.safe_load(path.read_text())
    assert config["batchSize"] == 1
    assert config["minWorkers"] == config["maxWorkers"]
    assert config["responseTimeout"] > config["handler"]["max_timeout"]
    assert config["startupTimeout"] > config["handler"]["engine_start_timeout"]


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_folder_without_a_checkpoint_cannot_be_carried(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    archive = Archive("m", str(tmp_path / folder), carry_weights=True)
    with pytest.raises(BuildError, match=rf"{folder}: no checkpoint folder to carry \(config.json"):
        build(archive, tmp_path / "store")
    assert not (tmp_path / "store" / "m.mar").exists()


@pytest.mark.parametrize("config", ["big", "big.yaml"])
def test_an_unknown_configuration_names_those_that_there_are(config, tmp_path):
    told = f"no configuration '{config}'; name a .yaml file or one of checkpoint, molmo2-demo"
    with pytest.raises(BuildError, match=told):
        build(Archive("m", "o/m", carry_weights=False, config=config), tmp_path)


def test_what_the_archiver_refuses_is_told(tmp_path):
    with pytest.raises(BuildError) as refused:
        build(Archive("a b", "allenai/Molmo2-4B", carry_weights=False, unpinned=True), tmp_path)
    why = "torch-model-archiver failed: Model name contains special characters."
    assert str(refused.value).splitlines()[0] == why
    assert "Traceback" not in str(refused.value)


def test_an_archive_may_let_the_released_code_answer(built, make_folder):
    folder = make_folder("weights")
    (folder / "modeling_molmo2.py").touch()
    config, _ = built("compared", folder, reference_python=Path(sys.executable))
    settings = HandlerSettings(**config["handler"])
    assert settings.reference
    assert settings.reference_python == Path(sys.executable)  # the link, not what it leads to


def test_the_released_code_is_never_had_from_the_hub(built):
    with pytest.raises(BuildError, match="weights pull allenai/Molmo2-4B"):
        built("compared", "allenai/Molmo2-4B", reference_python=Path(sys.executable))
