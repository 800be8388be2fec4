"""Where each sample's prompt comes from."""

import fiftyone as fo
import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.operations import Describe, Pointing


def label(view, operations, client, **settings):
    return label_dataset(view, operations, client=client, progress=False, **settings)


def prompts(answerer):
    return {
        name: {o.operation: getattr(o, "prompt", None) for o in operations}
        for name, operations in answerer.requests
    }


def test_each_sample_is_asked_its_own_prompt(make_dataset, answerer):
    dataset = make_dataset(2, what=["a nose", "a hand"])

    label(dataset, ["pointing", "embed"], answerer, prompt_field="what")

    assert prompts(answerer) == {
        "00.mp4": {"pointing": "a nose", "embed": None},
        "01.mp4": {"pointing": "a hand", "embed": None},
    }
    assert dataset.values("molmo2_run.pointing.prompt") == ["a nose", "a hand"]


def test_each_operation_can_have_its_own_prompt_field(make_dataset, answerer):
    dataset = make_dataset(1, what=["a nose"], question=["Whose is it?"])

    label(
        dataset,
        ["pointing", "describe"],
        answerer,
        prompt_field={"pointing": "what", "describe": "question"},
    )

    assert prompts(answerer)["00.mp4"] == {"pointing": "a nose", "describe": "Whose is it?"}


def test_an_empty_cell_falls_back_to_the_prompt_of_the_operation(make_dataset, answerer):
    dataset = make_dataset(2, what=[None, "a hand"])

    label(dataset, [Pointing(prompt="a nose")], answerer, prompt_field="what")

    assert [p["pointing"] for p in prompts(answerer).values()] == ["a nose", "a hand"]


def test_without_any_prompt_the_operation_is_an_error_of_its_sample(make_dataset, answerer):
    dataset = make_dataset(2, what=["a nose", None])

    summary = label(dataset, ["pointing", "embed"], answerer, prompt_field="what")

    run = dataset.last().molmo2_run
    assert prompts(answerer)["01.mp4"] == {"embed": None}
    assert (run.status, run.embed.status, run.pointing.error_kind) == (
        "error",
        "ok",
        "invalid_request",
    )
    assert "prompt" in run.pointing.error
    assert summary.failed == 1


@pytest.mark.parametrize("cell", ["", "   ", "x" * 4097])
def test_a_prompt_out_of_bounds_costs_no_request(make_dataset, answerer, cell):
    dataset = make_dataset(1, what=[cell])

    label(dataset, [Describe(prompt="What is it?")], answerer, prompt_field="what")

    assert answerer.requests == []
    assert dataset.first().molmo2_run.describe.error_kind == "invalid_request"


@pytest.mark.parametrize("one", [{"operation": "describe", "prompt": "What?"}, "embed"])
def test_one_operation_needs_no_list(make_dataset, answerer, one):
    label(make_dataset(1), one, answerer)

    assert len(answerer.requests) == 1


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        (["pointing"], r"operations\[0\].prompt: required"),
        (["embed", "paint"], "unknown operation 'paint'; expected one of pointing"),
        ([{"operation": "embed", "pool": "mean"}], "pool: unknown field"),
        ([], "operations"),
    ],
)
def test_what_cannot_be_asked_of_any_sample_is_refused_at_once(
    make_dataset, answerer, operations, message
):
    with pytest.raises(InvalidRequest, match=message):
        label(make_dataset(1), operations, answerer)


@pytest.mark.parametrize(
    ("operations", "prompt_field", "message"),
    [
        (["pointing"], "nowhere", "'nowhere': the dataset has no such field"),
        (["pointing"], "size", "'size': is IntField, must be a string field"),
        (["pointing"], "frames.note", "'frames.note': is StringField, must be .* of the sample"),
        (["embed"], "filepath", "no operation asked takes a prompt"),
        (["embed"], {"embed": "filepath"}, "embed takes no prompt or is not asked"),
        (["embed", {"operation": "embed"}], None, "embed is asked more than once"),
    ],
)
def test_a_prompt_field_must_hold_one_string_a_sample(
    make_dataset, answerer, operations, prompt_field, message
):
    dataset = make_dataset(1, size=[3])
    dataset.add_frame_field("note", fo.StringField)

    with pytest.raises(ValueError, match=message):
        label(dataset, operations, answerer, prompt_field=prompt_field)
