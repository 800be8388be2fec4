"""The zoo's model on views of clips."""

import numpy as np
import pytest


@pytest.fixture
def clips(make_dataset):
    dataset = make_dataset(2)
    dataset.compute_metadata(progress=False)
    return dataset.to_clips([[(1, 8), (12, 20)]] * 2)


def test_a_clip_is_asked_about_alone_and_labelled_in_its_own_frames(clips, make_model, answerer):
    model = make_model(operation="pointing", prompt="nose")

    clips.apply_model(model, "f", skip_failures=False, progress=False, batch_size=2)

    assert sorted(answerer.parts, key=str) == sorted(
        [(None, pytest.approx(0.775)), (pytest.approx(1.125), None)] * 2, key=str
    )
    for clip in clips:
        numbers = [n for n, frame in clip.frames.items() if frame["f_points"] is not None]
        first, last = clip.support
        assert (min(numbers), max(numbers)) == (first, last)
    assert clips.values("f_run.pointing.status") == ["ok"] * 4


def test_a_second_run_clears_the_frames_of_its_clip_alone(clips, make_model):
    model = make_model(operation="pointing", prompt="nose")
    clips.apply_model(model, "f", skip_failures=False, progress=False)

    model.prompt = "nothing"
    second = clips[1:2]
    second.apply_model(model, "f", skip_failures=False, progress=False)

    counts = [clip.count("frames.f_points.keypoints") for clip in (clips[:1], clips[1:2])]
    assert counts == [4, 0]


def test_each_clip_has_its_own_vector(clips, make_model, answerer):
    vectors = clips.compute_embeddings(make_model(), skip_failures=False, progress=False)

    assert np.shape(vectors) == (4, 2)
    assert len(answerer.requests) == 4
    assert len(set(map(str, answerer.parts))) == 2
