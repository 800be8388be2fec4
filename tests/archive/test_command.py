"""``python -m molmo2_archive``."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(tmp_path):
    """Runs it in a folder of its own."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "molmo2_archive", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def test_it_builds_into_the_model_store_and_says_where(command, tmp_path):
    done = command("allenai/Molmo2-4B", "--revision", "0123abc")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("model-store/molmo2-4b.mar (")
    with zipfile.ZipFile(tmp_path / "model-store" / "molmo2-4b.mar") as content:
        config = yaml.safe_load(content.read("model-config.yaml"))
    assert config["engine"]["checkpoint"] == "allenai/Molmo2-4B"
    assert config["engine"]["revision"] == "0123abc"


def test_it_carries_the_weights_of_a_folder(command, tmp_path):
    done = command(
        *(f"{ROOT}/demo/checkpoint/", "--config", "molmo2-demo", "--carry-weights"),
        *("--export-path", "store"),
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "store" / "checkpoint.mar") as content:
        assert "weights/model.safetensors" in content.namelist()


def test_an_archive_of_the_reference_is_called_after_it(command, make_folder, tmp_path):
    folder = make_folder("Molmo2-4B")
    (folder / "modeling_molmo2.py").touch()
    done = command(str(folder), "--reference-python", sys.executable)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model-store" / "molmo2-4b-reference.mar").is_file()


def test_settings_are_changed_one_by_one(command, tmp_path):
    done = command(
        *("allenai/Molmo2-8B", "--unpinned", "--gpu-memory", "24"),
        *("--set", "engine.quantization=int8", "--set", "engine.max_context_tokens=36864"),
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "model-store" / "molmo2-8b.mar") as content:
        engine = yaml.safe_load(content.read("model-config.yaml"))["engine"]
    assert (engine["quantization"], engine["max_context_tokens"]) == ("int8", 36864)
    wrong = command("allenai/Molmo2-8B", "--unpinned", "--set", "quantization")
    assert wrong.stderr.startswith("molmo2-archive: 'quantization' is not section.setting=value")


def test_what_cannot_be_built_is_one_line(command):
    done = command("missing", "--carry-weights")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == ("molmo2-archive: missing: no checkpoint folder to carry (config.json)\n")


def test_its_help_shows_how_it_is_used(command):
    done = command("--help")
    assert done.returncode == 0
    assert "python -m molmo2_archive allenai/Molmo2-4B" in done.stdout
