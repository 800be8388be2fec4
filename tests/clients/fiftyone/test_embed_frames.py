"""Vectors of single frames: where they go, and which videos are asked for them."""

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest
from fiftyone import ViewField as F

from molmo2_client.fiftyone import FieldClash, embed_dataset
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.results import EmbedResult, FrameEmbedding, Status


def embed(view, client, *, per_frame=True, **settings):
    settings = {"embeddings_field": "vector", "progress": False, **settings}
    return embed_dataset(view, client=client, per_frame=per_frame, **settings)


def vectors_of(dataset):
    """Frame number to its vector, of the first video."""
    frames = dataset.first().frames
    return {number: frames[number]["vector"] for number in frames}


def test_each_sampled_frame_has_its_vector_beside_the_videos(make_dataset, answerer):
    dataset = make_dataset(2)

    embed(dataset, answerer)

    assert dataset.values("frames.frame_number") == [[1, 7, 14, 20]] * 2
    found = vectors_of(dataset)
    assert {number: vector.tolist() for number, vector in found.items()} == {
        number: [1, number] for number in (1, 7, 14, 20)
    }
    assert found[1].dtype == np.float32
    assert isinstance(dataset.get_field("frames.vector"), fo.VectorField)
    assert len(dataset.exists("vector")) == 2
    assert dataset.values("vector_run.embed.per_frame") == [True, True]


def test_frames_can_be_searched_for_those_that_are_alike(make_dataset, answerer):
    dataset = make_dataset(2)
    embed(dataset, answerer)

    frames = dataset.to_frames(sample_frames="dynamic").exists("vector")
    fob.compute_similarity(frames, embeddings="vector", brain_key="alike", backend="sklearn")
    alike = frames.sort_by_similarity(frames.match(F("frame_number") == 14).first().id, k=4)

    assert sorted(alike.values("frame_number")) == [14, 14, 20, 20]


def test_a_second_call_asks_for_the_frames_that_have_no_vector(make_dataset, answerer):
    dataset = make_dataset(3)
    embed(dataset.limit(1), answerer)
    embed(dataset.skip(1).limit(1), answerer, per_frame=False)

    summary = embed(dataset, answerer)

    assert summary.finished == 1
    assert [name for name, _ in answerer.requests] == ["00.mp4", "01.mp4", "01.mp4", "02.mp4"]
    assert dataset.count("frames.vector") == 12


def test_who_has_vectors_of_frames_is_not_asked_for_that_of_the_video(make_dataset, answerer):
    dataset = make_dataset(2)
    embed(dataset, answerer)

    assert embed(dataset, answerer, per_frame=False).finished == 2
    assert dataset.count("frames.vector") == 8


def test_a_field_that_was_deleted_is_filled_again(make_dataset, answerer):
    dataset = make_dataset(2)
    embed(dataset, answerer)
    dataset.delete_frame_field("vector")

    assert embed(dataset, answerer).labelled == 2
    assert dataset.count("frames.vector") == 8


def test_frames_get_no_other_pooling_than_their_video_has(make_dataset, answerer):
    dataset = make_dataset(1)
    embed(dataset, answerer, per_frame=False, pooling="mean")

    with pytest.raises(ValueError, match="embed was 'mean', is 'max'"):
        embed(dataset, answerer, pooling="max")

    assert len(answerer.requests) == 1


def test_vectors_of_frames_go_with_the_videos_when_that_is_replaced(make_dataset, answerer):
    dataset = make_dataset(1)
    embed(dataset, answerer)

    embed(dataset, answerer, per_frame=False, pooling="max", overwrite=True)

    assert dataset.count("frames.vector") == 0
    assert dataset.values("vector_run.embed.per_frame") == [False]


def test_vectors_of_frames_that_are_not_ours_are_left_alone(make_dataset, answerer):
    dataset = make_dataset(1)
    own = np.array([3, 4], np.float32)
    dataset.add_frame_field("vector", fo.VectorField)
    dataset.set_values("frames.vector", {dataset.first().id: {2: own}}, key_field="id")

    embed(dataset, answerer, per_frame=False)
    embed(dataset, answerer, per_frame=False, overwrite=True)

    assert vectors_of(dataset)[2].tolist() == [3, 4]


def test_what_cannot_be_stored_is_counted(make_dataset, answerer):
    dataset = make_dataset(1)
    frames = [(1, [0.6, 0.8]), (7, []), (99, [0.6, 0.8])]
    answerer.results["embed"] = EmbedResult(
        status=Status.OK,
        pooling="mean",
        embedding=[0.6, 0.8],
        frames=[FrameEmbedding(time=0, frame=n, embedding=vector) for n, vector in frames],
    )

    embed(dataset, answerer)

    assert set(vectors_of(dataset)) == {1}
    assert dataset.values("vector_run.embed.dropped") == [2]


def test_clips_have_no_frames_of_their_own(make_dataset, answerer):
    event = fo.TemporalDetection(label="enters", support=[1, 8])
    dataset = make_dataset(1, events=[fo.TemporalDetections(detections=[event])])

    with pytest.raises(InvalidRequest, match="clips share their frames"):
        embed(dataset.to_clips("events"), answerer)

    assert answerer.requests == []


def test_images_have_no_frames(make_image_dataset, answerer):
    with pytest.raises(InvalidRequest, match="images have no frames"):
        embed(make_image_dataset(1), answerer)

    assert answerer.requests == []


def test_a_field_of_another_type_is_not_filled(make_dataset, answerer):
    dataset = make_dataset(1)
    dataset.add_frame_field("vector", fo.StringField)

    with pytest.raises(FieldClash, match=r"frames\.vector is StringField"):
        embed(dataset, answerer)

    assert answerer.requests == []
