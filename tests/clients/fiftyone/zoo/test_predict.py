"""The model without ``apply_model``: one video, a loop of one's own, its settings."""

import pytest

from molmo2_contract.errors import InvalidRequest


def test_a_model_can_be_asked_about_one_video_alone(videos, make_model):
    model = make_model(operation="describe", prompt="?")
    answer = {"description": "an answer to ?"}

    assert model.predict(str(videos[0])) == answer
    assert model.predict(videos[0]) == answer
    assert model.predict({"filepath": str(videos[0])}) == answer
    assert model.predict_all([videos[0], videos[1]]) == [answer, answer]


def test_what_is_no_video_is_refused(make_model):
    with pytest.raises(TypeError, match="expected a path"):
        make_model(operation="describe", prompt="?").predict(3)


def test_a_loop_of_ones_own_asks_one_video_after_another(make_dataset, make_model, answerer):
    dataset = make_dataset(2, question=["one?", "two?"])
    model = make_model(operation="describe")
    model.needs_fields = {"prompt_field": "question"}

    with model:
        answers = [model.predict(s.filepath, sample=s) for s in dataset.iter_samples()]

    assert [a["description"] for a in answers] == ["an answer to one?", "an answer to two?"]


def test_a_setting_out_of_bounds_is_refused_when_it_is_set(make_model):
    model = make_model()

    with pytest.raises(ValueError, match="must be one of pointing, tracking"):
        model.operation = "point"
    with pytest.raises(ValueError, match=r"model\.pooling_strategy='median'.*'mean'"):
        model.pooling_strategy = "median"
    with pytest.raises(ValueError, match=r"model\.max_new_tokens=0"):
        model.max_new_tokens = 0
    with pytest.raises(ValueError, match="zoom"):
        make_model(zoom=2)
    with pytest.raises(InvalidRequest, match="timeout"):
        make_model(url="http://127.0.0.1:1", retries=-1, timeout=-1)


def test_a_model_may_be_entered_around_its_application(apply, make_dataset, make_model):
    dataset = make_dataset(2)
    model = make_model(operation="describe", prompt="?")

    with model:
        apply(dataset, model, "f")
        assert model.predict(dataset.first().filepath) == {"description": "an answer to ?"}
