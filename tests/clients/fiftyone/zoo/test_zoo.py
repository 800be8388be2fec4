"""How FiftyOne's model zoo finds the model, and what it is configured with."""

import json
import os
import subprocess
import sys

import fiftyone as fo
import fiftyone.zoo as foz
import pytest

from molmo2_client.fiftyone.zoo import MANIFEST, Molmo2Model, register

NAMES = [
    "allenai/Molmo2-4B",
    "allenai/Molmo2-8B",
    "allenai/Molmo2-O-7B",
    "allenai/Molmo2-VideoPoint-4B",
]

LOAD = """
import sys
import fiftyone.zoo as foz
model = foz.load_zoo_model("allenai/Molmo2-4B", operation="describe", url="http://127.0.0.1:1")
print(type(model).__module__, model.operation, "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("name", "archive"),
    [
        ("allenai/Molmo2-4B", "molmo2-4b"),
        ("allenai/Molmo2-8B", "molmo2-8b"),
        ("allenai/Molmo2-O-7B", "molmo2-o-7b"),
        ("allenai/Molmo2-VideoPoint-4B", "molmo2-videopoint-4b"),
    ],
)
def test_a_checkpoint_stands_for_the_archive_of_its_name(name, archive, monkeypatch):
    monkeypatch.delenv("MOLMO2_MODEL", raising=False)

    model = foz.load_zoo_model(name, cache=False)

    assert isinstance(model, Molmo2Model)
    assert model.config.client_settings == {"model": archive}


def test_the_environment_and_keywords_name_another(monkeypatch):
    monkeypatch.setenv("MOLMO2_MODEL", "molmo2-demo")

    from_environment = foz.load_zoo_model(NAMES[0], cache=False)
    from_keyword = foz.load_zoo_model(NAMES[0], cache=False, model="mine", media="path")

    assert from_environment.config.connect().settings.model == "molmo2-demo"
    settings = from_keyword.config.connect().settings
    assert (settings.model, settings.media) == ("mine", "path")


def test_the_zoo_lists_them_once():
    register()

    assert fo.config.model_zoo_manifest_paths.count(MANIFEST) == 1
    assert set(NAMES) <= set(foz.list_zoo_models(tags="remote"))


def run(code, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, *arguments, *(["-c", code] if code else [])],
        env={**os.environ, "FIFTYONE_DO_NOT_TRACK": "true", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_one_import_or_one_environment_variable_is_enough(database):
    printed = run("", "-m", "molmo2_client.fiftyone.zoo")
    expected = "molmo2_client.fiftyone.zoo.model describe False"

    assert printed == MANIFEST
    assert run("import molmo2_client.fiftyone.zoo" + LOAD) == expected
    assert run(LOAD, FIFTYONE_MODEL_ZOO_MANIFEST_PATHS=printed) == expected


def test_the_manifest_says_of_each_where_it_comes_from():
    with open(MANIFEST) as file:
        models = json.load(file)["models"]

    assert [model["source"] for model in models] == [f"https://huggingface.co/{n}" for n in NAMES]
