"""An engine that cannot serve its checkpoint ends with one line that says why."""

import json
import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def refusal(qwen3_folder, tmp_path):
    """The last line of an engine whose folder has these files instead."""

    def run(settings=(), **files):
        folder = shutil.copytree(qwen3_folder, tmp_path / "checkpoint")
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content))
        given = [f"--checkpoint={folder}", f"--socket={tmp_path}/e.sock", "--device=cpu"]
        done = subprocess.run(
            [sys.executable, "-m", "molmo2_engine", *given, *settings],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("molmo2-engine: ")
        return last

    return run


def test_a_configuration_that_is_none(refusal):
    assert "config.json cannot be read" in refusal(config=[])


def test_a_processor_that_says_nothing_of_videos(refusal):
    told = refusal(processor_config={"image_processor": {}})
    assert told.endswith("video_preprocessor_config.json is missing; pull the checkpoint again")


def test_a_chat_template_that_writes_no_prompt(refusal):
    told = refusal(tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast"})
    assert "its tokenizer and chat template write no prompt" in told


def test_a_context_that_holds_no_frame(refusal, qwen3_folder):
    processor = json.loads((qwen3_folder / "processor_config.json").read_text())
    processor["video_processor"]["size"] = {"height": 420, "width": 420}
    told = refusal(["--max-context-tokens=64"], processor_config=processor)
    assert told.startswith("molmo2-engine: max_context_tokens is 64, and one frame, a question")
    assert told.endswith("at least; raise it")
