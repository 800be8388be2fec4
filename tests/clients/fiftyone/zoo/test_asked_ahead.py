"""When ``apply_model`` asks, and whose answer is whose."""

import threading


def test_prompts_come_from_a_field_and_fall_back_to_the_models(
    apply, make_dataset, make_model, answerer
):
    dataset = make_dataset(3, question=["one?", None, "three?"])
    model = make_model(operation="describe", prompt="else?")

    apply(dataset, model, "answer_pred", prompt_field="question")

    texts = [f"an answer to {p}" for p in ("one?", "else?", "three?")]
    assert dataset.values("answer_pred_description") == texts


def test_the_order_of_the_view_does_not_mix_up_answers(apply, make_dataset, make_model, answerer):
    questions = [f"{i}?" for i in range(12)]
    dataset = make_dataset(12, question=questions)
    view = dataset.sort_by("question", reverse=True).limit(7)
    waits = {path.rpartition("/")[2]: i for i, path in enumerate(dataset.values("filepath"))}
    answerer.meanwhile = lambda name: threading.Event().wait(0.01 * (waits[name] % 3))

    apply(view, make_model(operation="describe"), "f", prompt_field="question", batch_size=4)

    assert view.values("f_description") == [f"an answer to {q}" for q in view.values("question")]
    assert len(answerer.requests) == 7


def test_as_many_requests_run_at_once_as_the_batch_size_says(
    apply, make_dataset, make_model, answerer
):
    dataset = make_dataset(12)
    together = threading.Barrier(4)
    answerer.meanwhile = lambda name: together.wait(30)  # breaks, and fails, where fewer come

    apply(dataset, make_model(operation="describe", prompt="?"), "f", batch_size=4)

    assert len(dataset.exists("f_description")) == 12


def test_without_a_batch_size_the_models_concurrency_counts(
    apply, make_dataset, make_model, answerer
):
    dataset = make_dataset(6)
    together = threading.Barrier(3)
    answerer.meanwhile = lambda name: together.wait(30)

    apply(dataset, make_model(operation="describe", prompt="?", concurrency=3), "f")

    assert len(dataset.exists("f_description")) == 6


def test_a_video_that_comes_twice_is_labelled(apply, make_dataset, make_model):
    dataset = make_dataset(2)

    apply(dataset.concat(dataset), make_model(operation="describe", prompt="?"), "f")

    assert len(dataset.exists("f_description")) == 2
