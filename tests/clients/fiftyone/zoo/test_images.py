"""The zoo's model on images: FiftyOne hands over pixels, the server is told of the file."""

import threading

import fiftyone as fo
import numpy as np
import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_contract.errors import InvalidRequest, VideoUnreadable


def compute(view, model, **settings):
    return view.compute_embeddings(model, **{"skip_failures": False, "progress": False, **settings})


def refuse(name):
    def meanwhile(asked):
        if asked == name:
            raise VideoUnreadable(f"{name} is no image")

    return meanwhile


def test_points_and_text_are_fields_of_the_sample(apply, make_image_dataset, make_model):
    dataset = make_image_dataset(2)
    model = make_model(operation="pointing", prompt="nose")

    apply(dataset, model)
    model.operation, model.prompt = "describe", "What?"
    apply(dataset, model)

    assert dataset.get_field("f_points").document_type is fo.Keypoints
    assert dataset.values("f_points.keypoints.label") == [["nose"], ["nose"]]
    assert dataset.values("f_description") == ["an answer to What?"] * 2
    assert dataset.values("f_run.status") == ["ok", "ok"]


def test_label_dataset_goes_on_where_apply_model_ended(
    apply, make_image_dataset, make_model, answerer
):
    dataset = make_image_dataset(3)
    apply(dataset.limit(2), make_model(operation="pointing", prompt="nose"))

    pointing = {"operation": "pointing", "prompt": "nose"}
    summary = label_dataset(dataset, [pointing], client=answerer, label_field="f", progress=False)

    assert (summary.finished, len(answerer.requests)) == (2, 3)


@pytest.mark.parametrize(("batch_size", "concurrency"), [(None, 4), (4, 1)])
def test_requests_run_ahead_of_the_images_handed_over(
    apply, make_image_dataset, make_model, answerer, batch_size, concurrency
):
    dataset = make_image_dataset(12)
    together = threading.Barrier(4)
    answerer.meanwhile = lambda name: together.wait(30)  # breaks, and fails, where fewer come

    model = make_model(operation="describe", prompt="?", concurrency=concurrency)
    apply(dataset, model, batch_size=batch_size)

    assert len(dataset.exists("f_description")) == 12


def test_a_failure_costs_its_own_image_whatever_the_batch(
    apply, make_image_dataset, make_model, answerer
):
    dataset = make_image_dataset(4)
    answerer.meanwhile = refuse("01.png")

    apply(dataset, make_model(operation="describe", prompt="?"), batch_size=4, skip_failures=True)

    assert [text is None for text in dataset.values("f_description")] == [False, True, False, False]


def test_every_image_gets_its_own_vector_whatever_the_view(
    make_image_dataset, make_model, answerer
):
    dataset = make_image_dataset(6, size=[3, 1, 2, 6, 5, 4])
    view = dataset.sort_by("size").limit(5)
    ask = answerer.ask_images

    def numbered(images, operations, **options):
        response = ask(images, operations, **options)
        result = response.results[0].model_copy(update={"embedding": [float(images[-6:-4]), 1]})
        return response.model_copy(update={"results": [result]})

    answerer.ask_images = numbered

    assert [v[0] for v in compute(view, make_model(), batch_size=3)] == [1, 2, 0, 5, 4]
    compute(view, make_model(), embeddings_field="vector")
    assert [v[0] for v in view.values("vector")] == [1, 2, 0, 5, 4]
    assert [v[0] for v in compute(dataset.concat(dataset), make_model())] == [*range(6), *range(6)]


def test_an_image_that_fiftyone_cannot_read_costs_no_other(
    make_image_dataset, make_model, tmp_path
):
    dataset = make_image_dataset(3)
    sample = dataset.skip(1).first()
    sample.filepath = str(tmp_path / "01.png")
    sample.save()

    vectors = compute(dataset, make_model(), batch_size=3, skip_failures=True)

    assert [vector is None for vector in vectors] == [False, True, False]


@pytest.mark.parametrize("operation", ["tracking", "temporal_localization", "comprehensive"])
def test_what_needs_a_video_is_refused_before_the_first_request(
    apply, make_image_dataset, make_model, answerer, operation
):
    with pytest.raises(InvalidRequest, match=f"{operation} can be asked about videos only"):
        apply(make_image_dataset(1), make_model(operation=operation), skip_failures=True)

    assert answerer.requests == []


def test_a_model_can_be_asked_about_one_image_alone(pictures, make_model):
    model = make_model(operation="describe", prompt="?")

    assert model.predict(pictures[0]) == {"description": "an answer to ?"}
    assert model.embed(pictures[0]).shape == (2,)
    assert model.embed_all(pictures[:3]).shape == (3, 2)
    with pytest.raises(TypeError, match="expected a path"):
        model.embed(np.zeros((4, 4, 3), np.uint8))


def test_a_loop_of_ones_own_may_pass_pixels_with_the_sample(make_image_dataset, make_model):
    dataset = make_image_dataset(1)
    model = make_model(operation="describe", prompt="?")
    pixels = np.zeros((48, 64, 3), np.uint8)

    with model:
        answer = model.predict(pixels, sample=dataset.first())

    assert answer == {"description": "an answer to ?"}
