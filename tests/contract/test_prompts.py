"""The exact words that the model is told; a changed space would change its answers."""

from typing import get_args

import pytest

from molmo2_contract.operations import (
    PROMPTED,
    Comprehensive,
    Describe,
    GeneratedOperation,
    Operation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.prompts import render


def test_the_operations_that_take_a_prompt_are_those_with_such_a_field() -> None:
    models = get_args(get_args(Operation)[0])
    taking = [model for model in models if "prompt" in model.model_fields]
    assert tuple(model.model_fields["operation"].default for model in taking) == PROMPTED


@pytest.mark.parametrize(
    ("operation", "prompt"),
    [
        (Pointing(prompt="person's nose"), "Point to the person's nose."),
        (Pointing(prompt="red cars."), "Point to the red cars.."),
        (Tracking(prompt="person's hand"), "Track the person's hand."),
        (Describe(prompt="What happens {here}?"), "What happens {here}?"),
        (Describe(prompt="Point to the cat"), "Point to the cat"),
    ],
)
def test_a_prompt_stands_in_the_template_of_its_operation(
    operation: GeneratedOperation, prompt: str
) -> None:
    assert render(operation) == prompt


def test_temporal_localization_has_one_fixed_prompt_whitespace_included() -> None:
    assert render(TemporalLocalization()).split("\n") == [
        "Localize activity events in the video. Output start and end timestamp for each event.",
        "    Output ONLY valid JSON in this exact format:",
        "    ",
        "{",
        '    "start": "mm:ss",',
        '    "end": "mm:ss",',
        '    "description": "event description"',
        "}",
    ]


def test_comprehensive_has_one_fixed_prompt_whitespace_included() -> None:
    span = '"start": "mm:ss", "end": "mm:ss"'
    seen = '"first_appears": "mm:ss", "last_appears": "mm:ss"'
    word = "<one-word-description>"
    assert render(Comprehensive()).split("\n") == [
        "Analyze this video comprehensively. Output ONLY valid JSON in this exact format:",
        "",
        "{",
        '  "summary": "Brief description of the video",',
        f'  "objects": [{{"name": "object name", {seen}}}],',
        f'  "events": [{{{span}, "description": "event description"}}],',
        f'  "text_content": [{{{span}, "text": "text content"}}],',
        f'  "scene_info": {{"setting": "{word}", "time_of_day": "{word}",'
        f' "location_type": "{word}"}},',
        '  "activities": {"primary_activity": "activity name",'
        ' "secondary_activities": "comma-separated activities"}',
        "}",
    ]


def test_sampling_does_not_change_what_the_model_is_told() -> None:
    sampled = Pointing(prompt="cat", temperature=1.0, top_p=0.5, seed=7, max_new_tokens=9)
    assert render(sampled) == render(Pointing(prompt="cat"))
