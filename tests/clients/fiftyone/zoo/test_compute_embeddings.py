"""``compute_embeddings`` with the zoo's model."""

import threading

import numpy as np
import pytest

from molmo2_contract.errors import EngineUnavailable, Error, ErrorKind, InternalError
from molmo2_contract.operations import Pooling
from molmo2_contract.results import EmbedResult, Status


def compute(view, model, field=None, **settings):
    settings = {"skip_failures": False, "progress": False, **settings}
    return view.compute_embeddings(model, embeddings_field=field, **settings)


def test_vectors_are_float32_and_of_length_one(make_dataset, make_model):
    dataset = make_dataset(2)

    compute(dataset, make_model(), "molmo_embeddings")

    for vector in dataset.values("molmo_embeddings"):
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, [0.6, 0.8], rtol=1e-6)


def test_without_a_field_they_are_returned(make_dataset, make_model):
    assert compute(make_dataset(3), make_model()).shape == (3, 2)


def test_the_pooling_is_the_models(make_dataset, make_model, answerer):
    model = make_model()
    model.pooling_strategy = "max"

    compute(make_dataset(1), model)

    ((_, (operation,)),) = answerer.requests
    assert operation.pooling is Pooling.MAX


def test_frames_are_sampled_as_the_model_says(make_dataset, make_model, answerer):
    model = make_model(max_frames=16)
    model.max_fps = 1

    compute(make_dataset(1), model)
    model.embed(make_dataset(1).first().filepath)

    assert answerer.samplings == [(16, 1), (16, 1)]
    with pytest.raises(ValueError, match="max_frames=1"):
        model.max_frames = 1


def test_as_many_requests_run_at_once_as_the_batch_size_says(make_dataset, make_model, answerer):
    together = threading.Barrier(4)
    answerer.meanwhile = lambda name: together.wait(30)  # breaks, and fails, where fewer come

    assert len(compute(make_dataset(8), make_model(), batch_size=4)) == 8


def number_the_vectors(answerer):
    """Makes the vector of ``07.mp4`` point to the angle 7."""

    def ask(video, operations, **options):
        response = answer(video, operations, **options)
        angle = int(video[-6:-4])
        embedding = [np.cos(angle), np.sin(angle)]
        result = response.results[0].model_copy(update={"embedding": embedding})
        return response.model_copy(update={"results": [result]})

    answer, answerer.ask = answerer.ask, ask


def angles(vectors):
    return [round(float(np.arctan2(y, x)) % (2 * np.pi), 3) for x, y in vectors]


def test_every_sample_gets_its_own_vector_whatever_the_view(make_dataset, make_model, answerer):
    dataset = make_dataset(6, size=[3, 1, 2, 6, 5, 4])
    view = dataset.sort_by("size").limit(5)
    number_the_vectors(answerer)

    vectors = compute(view, make_model(), batch_size=3)

    assert angles(vectors) == [1, 2, 0, 5, 4]


def test_samples_of_one_file_each_get_its_vector(make_dataset, make_model, answerer):
    dataset = make_dataset(2)
    number_the_vectors(answerer)

    vectors = compute(dataset.concat(dataset), make_model())

    assert angles(vectors) == [0, 1, 0, 1]


def test_a_file_that_fiftyone_cannot_open_is_passed_over(
    make_dataset, make_model, answerer, tmp_path
):
    dataset = make_dataset(3)
    broken = tmp_path / "01.mp4"
    broken.write_bytes(b"no video")
    sample = dataset.skip(1).first()
    sample.filepath = str(broken)
    sample.save()
    number_the_vectors(answerer)

    first, second, third = compute(dataset, make_model(), skip_failures=True)

    assert second is None
    assert angles([first, third]) == [0, 2]


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (
            EmbedResult(
                status=Status.ERROR,
                pooling=Pooling.MEAN,
                error=Error(kind=ErrorKind.ENGINE_UNAVAILABLE, message="away"),
            ),
            EngineUnavailable,
        ),
        (EmbedResult(status=Status.OK, pooling=Pooling.MEAN, embedding=[]), InternalError),
    ],
)
def test_a_failure_is_raised_or_skipped(make_dataset, make_model, answerer, result, error):
    dataset = make_dataset(2)
    answerer.results["embed"] = result

    assert compute(dataset, make_model(), skip_failures=True) == [None, None]
    with pytest.raises(error):
        compute(dataset, make_model())


def test_a_model_embeds_without_fiftyones_loop(videos, make_model):
    model = make_model()

    with pytest.raises(ValueError, match="embed"):
        model.get_embeddings()
    assert model.embed(videos[0]).shape == (2,)
    assert model.get_embeddings().shape == (1, 2)
    assert model.embed_all(videos[:3]).shape == (3, 2)
    assert model.get_embeddings().shape == (3, 2)
