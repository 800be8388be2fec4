"""The checkpoint folder: complete, consistent, and a model that points."""

import json
import random
import re
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, Molmo2ForConditionalGeneration
from transformers.models.molmo2.image_processing_molmo2 import (
    arange_for_pooling,
    batch_pixels_to_patches,
)

from molmo2_contract import prompts
from molmo2_contract.operations import Pointing
from molmo2_contract.results import Position
from molmo2_demo.generate import QUESTION
from molmo2_demo.render import render_frame
from molmo2_demo.scene import draw_scene, sample_times
from molmo2_demo.score import Tally, score_points
from molmo2_demo.truth import Truth
from molmo2_demo.video_format import VideoFormat
from molmo2_demo.words import names_every_shape

FOLDER = Path(__file__).parents[2] / "demo" / "checkpoint"
MAX_BYTES = 20_000_000

COORDS = re.compile(r'coords="([\d. ;]+)"')


@pytest.fixture(scope="module")
def loaded():
    """The model, and what transformers says about the weights."""
    return Molmo2ForConditionalGeneration.from_pretrained(
        FOLDER, dtype=torch.float32, output_loading_info=True
    )


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


def read(name):
    return json.loads((FOLDER / name).read_text())


def test_the_weights_are_those_of_the_native_class(loaded):
    _, report = loaded

    assert not any(report.values()), report


def test_the_folder_is_small_enough_to_ship():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < MAX_BYTES


@pytest.mark.parametrize(
    ("key", "token"),
    [
        ("image_start_token_id", "<im_start>"),
        ("image_end_token_id", "<im_end>"),
        ("image_patch_id", "<im_patch>"),
        ("low_res_image_start_token_id", "<low_res_im_start>"),
        ("frame_start_token_id", "<frame_start>"),
        ("frame_end_token_id", "<frame_end>"),
    ],
)
def test_media_tokens_are_the_tokenizers(tokenizer, key, token):
    assert read("config.json")[key] == tokenizer.convert_tokens_to_ids(token)


def test_generation_ends_with_the_tokenizers_tokens(tokenizer):
    settings = read("generation_config.json")

    assert settings["bos_token_id"] == tokenizer.bos_token_id
    assert settings["eos_token_id"] == tokenizer.eos_token_id
    assert settings["pad_token_id"] == tokenizer.pad_token_id
    assert tokenizer.convert_ids_to_tokens([0, 2]) == ["<|endoftext|>", "<|im_end|>"]


def test_media_tokens_follow_the_vocabulary_that_the_model_can_write(tokenizer):
    text = read("config.json")["text_config"]

    assert tokenizer.vocab_size == text["vocab_size"]
    assert tokenizer.convert_tokens_to_ids("<im_start>") == text["vocab_size"]
    assert len(tokenizer) <= text["vocab_size"] + text["additional_vocab_size"]


def test_frames_are_cut_as_the_vision_encoder_expects():
    video, vision = read("video_preprocessor_config.json"), read("config.json")["vision_config"]

    assert [video["size"]["height"], video["size"]["width"]] == vision["image_size"]
    assert video["patch_size"] == vision["patch_size"]
    assert (video["size"]["height"] // video["patch_size"]) ** 2 == vision[
        "num_position_embeddings"
    ]


def test_the_chat_template_puts_the_video_first(tokenizer):
    turn = {"role": "user", "content": [{"type": "text", "text": "Hello?"}, {"type": "video"}]}

    text = tokenizer.apply_chat_template([turn], tokenize=False, add_generation_prompt=True)

    assert text == "<|video|><|im_start|>user\nHello?<|im_end|>\n<|im_start|>assistant\n"


def test_digits_are_tokens_of_their_own(tokenizer):
    assert tokenizer.tokenize("12.5 345") == ["1", "2", ".", "5", "Ġ", "3", "4", "5"]


@pytest.mark.parametrize("seed", range(3))
def test_a_lone_shape_is_pointed_to(loaded, tokenizer, seed):
    scene = draw_scene(random.Random(seed), duration=2.0, shape_count=1)
    prompt = scene.shapes[0].name
    truth = Truth.of("", scene, VideoFormat(168, 168, 10), prompt, [])

    text = ask(loaded[0], tokenizer, scene, prompts.render(Pointing(prompt=prompt)))

    assert score_points(positions(text), truth.tracks).rate == 1


def test_most_of_two_shapes_are_pointed_to_and_told(loaded, tokenizer):
    pointed, told = Tally(), 0
    for seed in range(4):
        scene = draw_scene(random.Random(f"two shapes/{seed}"), duration=2.0, shape_count=2)
        truth = Truth.of("", scene, VideoFormat(168, 168, 10), "shapes", [])
        text = ask(loaded[0], tokenizer, scene, prompts.render(Pointing(prompt="shapes")))
        pointed += score_points(positions(text), truth.tracks)
        told += names_every_shape(ask(loaded[0], tokenizer, scene, QUESTION), scene)

    assert pointed.rate >= 0.9
    assert told >= 3


def positions(text):
    """Of ``coords="time id x y id x y;time …"``, in thousandths of the frame."""
    (coords,) = COORDS.findall(text)
    found = []
    for moment in coords.split(";"):
        time, *numbers = (float(number) for number in moment.split())
        for x, y in zip(numbers[1::3], numbers[2::3], strict=True):
            found.append(Position(time=time, frame=1, x=x / 1000, y=y / 1000))
    return found


def ask(model, tokenizer, scene, question):
    """transformers' own greedy answer, from a prompt written out as the released processor does."""
    video, processor = read("video_preprocessor_config.json"), read("processor_config.json")
    size, patch, pool = video["size"]["height"], video["patch_size"], video["pooling_size"]
    assert not processor["use_frame_special_tokens"]
    assert not processor["video_use_col_tokens"]
    times = sample_times(scene.duration)
    frames = torch.stack(
        [torch.from_numpy(render_frame(scene, time, size, size)) for time in times]
    )
    side = size // patch
    window, rows, columns = arange_for_pooling(torch.arange(side * side).reshape(side, side), *pool)
    offsets = torch.arange(len(times))[:, None, None] * side * side
    frame = "<im_start>" + "<im_patch>" * rows * columns + "<im_end>"
    prefix = " ".join(f"{time:.1f} {frame}" for time in times)
    turns = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    ids = tokenizer("<|im_end|>" + prefix + turns, return_tensors="pt").input_ids
    media = tokenizer.convert_tokens_to_ids(["<im_start>", "<im_patch>", "<im_end>"])
    answer = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=torch.isin(ids, torch.tensor(media)).long(),
        pixel_values_videos=batch_pixels_to_patches(frames.float() / 127.5 - 1, patch),
        video_token_pooling=(window + offsets).reshape(-1, window.shape[-1]),
        video_grids=torch.tensor([[len(times), rows, columns]]),
        max_new_tokens=64,
        do_sample=False,
    )
    return tokenizer.decode(answer[0, ids.shape[1] :], skip_special_tokens=True)
