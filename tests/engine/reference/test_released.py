"""Whose code the reference runs, and what it refuses before it runs any."""

import json
from pathlib import Path

import pytest

from molmo2_engine.reference import released
from molmo2_engine.settings import EngineSettings

CLASS = "modeling_molmo2.Molmo2ForConditionalGeneration"


def settings(checkpoint: object) -> EngineSettings:
    return EngineSettings(checkpoint=str(checkpoint), socket=Path("none"), device="cpu")


@pytest.fixture
def the_releases_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released.transformers, "__version__", released.TRANSFORMERS)


def folder(tmp_path: Path, **auto_map: str) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": auto_map}))
    return tmp_path


def test_another_transformers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(released.NotReleasedCode, match=r"wants 4\.57\.1.*pip install"):
        released.load(settings(folder(tmp_path, AutoModel=CLASS)))


@pytest.mark.usefixtures("the_releases_transformers")
class TestWhatIsRefused:
    @pytest.mark.parametrize("name", ["allenai/Molmo2-4B", "/not/mounted"])
    def test_what_is_no_local_folder(self, name: str) -> None:
        with pytest.raises(released.NotReleasedCode, match="local folder"):
            released.load(settings(name))

    @pytest.mark.parametrize("setting", [{"quantization": "int8"}, {"gpus_per_engine": 2}])
    def test_what_its_authors_did_not_write(self, tmp_path: Path, setting: dict) -> None:
        with pytest.raises(released.NotReleasedCode, match="Leave them out"):
            released.load(settings(tmp_path).model_copy(update=setting))

    def test_a_folder_that_names_no_code(self, tmp_path: Path) -> None:
        with pytest.raises(released.NotReleasedCode, match="auto_map"):
            released.load(settings(folder(tmp_path)))

    def test_code_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(released.NotReleasedCode, match=r"hf download"):
            released.load(settings(folder(tmp_path, AutoModel=CLASS)))

    def test_code_that_would_come_from_the_hub(self, tmp_path: Path) -> None:
        (tmp_path / "modeling_molmo2.py").touch()
        elsewhere = f"allenai/Molmo2-4B--{CLASS}"
        with pytest.raises(released.NotReleasedCode, match="its code is not here"):
            released.load(settings(folder(tmp_path, AutoModel=elsewhere)))

    def test_a_tokenizer_that_brings_code_of_its_own_from_the_hub(self, tmp_path: Path) -> None:
        (tmp_path / "modeling_molmo2.py").touch()
        named = {"auto_map": {"AutoTokenizer": [None, "someone/else--tokenizing.Tokenizer"]}}
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(named))
        with pytest.raises(released.NotReleasedCode, match="someone/else"):
            released.load(settings(folder(tmp_path, AutoModel=CLASS)))
