"""What ``apply_model`` cannot do: a sample fails alone, a wrong call before anything is asked."""

import pytest

from molmo2_client.fiftyone import FieldClash
from molmo2_contract.errors import EngineUnavailable


def test_a_failure_costs_its_sample_where_failures_are_skipped(apply, make_dataset, make_model):
    dataset = make_dataset(3, question=["one?", "fail here", "three?"])
    model = make_model(operation="describe")

    apply(dataset, model, "f", prompt_field="question", skip_failures=True)

    assert dataset.values("f_description") == ["an answer to one?", None, "an answer to three?"]
    assert dataset.values("f_run.status") == ["ok", None, "ok"]


def test_a_failure_is_raised_where_they_are_not(apply, make_dataset, make_model):
    dataset = make_dataset(3, question=["one?", "fail here", "three?"])

    with pytest.raises(EngineUnavailable, match="not finite"):
        apply(dataset, make_model(operation="describe"), "f", prompt_field="question")

    assert dataset.values("f_description")[0] == "an answer to one?"


def test_a_prompt_that_cannot_be_asked_fails_alone(apply, make_dataset, make_model, answerer):
    dataset = make_dataset(2, question=["  ", "two?"])
    model = make_model(operation="describe")

    apply(dataset, model, "f", prompt_field="question", skip_failures=True)

    assert dataset.values("f_description") == [None, "an answer to two?"]
    assert len(answerer.requests) == 1


@pytest.mark.parametrize(
    ("settings", "call", "error", "match"),
    [
        ({}, {}, ValueError, r"model\.operation is not set; choose one of pointing"),
        ({"operation": "pointing"}, {}, ValueError, r"model\.prompt is not set"),
        ({"operation": "comprehensive"}, {"prompt_field": "question"}, ValueError, "takes a promp"),
        ({"operation": "describe"}, {"prompt_field": "number"}, ValueError, "must be a string"),
        ({"operation": "describe", "prompt": "?"}, {"batch_size": 0}, ValueError, "at least 1"),
        (
            {"operation": "describe", "prompt": "?"},
            {"label_field": "frames.x"},
            ValueError,
            "plain",
        ),
        (
            {"operation": "describe", "prompt": "?"},
            {"label_field": "number"},
            FieldClash,
            "number_",
        ),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_asked(
    apply, make_dataset, make_model, answerer, settings, call, error, match
):
    dataset = make_dataset(2, question=["?", "?"], number=[1, 2], number_description=[1, 2])

    with pytest.raises(error, match=match):
        apply(dataset, make_model(**settings), **{"skip_failures": True, **call})

    assert answerer.requests == []
