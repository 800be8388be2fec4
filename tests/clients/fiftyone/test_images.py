"""Datasets of images: what is asked, what it becomes, and what is refused."""

import fiftyone as fo
import numpy as np
import pytest

from molmo2_client.fiftyone import FieldClash, embed_dataset, label_dataset
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.mapping import to_labels
from molmo2_contract.errors import InvalidRequest, VideoUnreadable
from molmo2_contract.images import ImagePoint, ImagePointingResult
from molmo2_contract.operations import Describe, Embed, Pointing
from molmo2_contract.results import EmbedResult, Status

ALL_THREE = [Pointing(prompt="nose"), Describe(prompt="What is it?"), Embed()]


def label(view, operations, client, **settings):
    return label_dataset(view, operations, client=client, progress=False, **settings)


def test_one_request_an_image_fills_the_fields_of_all_three_operations(
    make_image_dataset, answerer
):
    dataset = make_image_dataset(3)

    summary = label(dataset, ALL_THREE, answerer)

    sample = dataset.first()
    (keypoint,) = sample.molmo2_points.keypoints
    assert (keypoint.label, keypoint.points, keypoint.index) == ("nose", [[0.25, 0.75]], 1)
    assert sample.molmo2_description == "an answer to What is it?"
    assert sample.molmo2_embedding.tolist() == pytest.approx([0.6, 0.8])
    assert sample.molmo2_embedding.dtype == np.float32
    assert answerer.asked == [(f"0{i}.png", ["pointing", "describe", "embed"]) for i in range(3)]
    assert str(summary).startswith("3 images: 3 labelled")


def test_the_run_record_is_that_of_videos_but_for_the_picture(make_image_dataset, answerer):
    dataset = make_image_dataset(1)

    label(dataset, ALL_THREE, answerer)

    run = dataset.first().molmo2_run
    assert (run.status, run.model.checkpoint, run.request_id) == (
        "ok",
        "demo/checkpoint",
        "request-00.png",
    )
    assert (run.image.width, run.image.height) == (64, 48)
    assert (run.pointing.prompt, run.pointing.count) == ("nose", 1)
    assert run.describe.text == "an answer to What is it?"


def test_fields_have_one_type_whatever_was_found(make_image_dataset, answerer):
    dataset = make_image_dataset(2)

    label(dataset, [Pointing(prompt="nothing"), Describe(prompt="fail"), "embed"], answerer)

    assert dataset.get_field("molmo2_points").document_type is fo.Keypoints
    assert isinstance(dataset.get_field("molmo2_description"), fo.StringField)
    assert isinstance(dataset.get_field("molmo2_embedding"), fo.VectorField)
    assert dataset.first().molmo2_points == fo.Keypoints(keypoints=[])
    assert dataset.first().molmo2_run.describe.error_kind == "engine_unavailable"
    assert dataset.get_frame_field_schema() is None


@pytest.mark.parametrize(
    "operation", [{"operation": "tracking"}, "temporal_localization", "comprehensive"]
)
def test_what_needs_a_video_is_refused_before_the_first_request(
    make_image_dataset, answerer, operation
):
    dataset = make_image_dataset(1)

    with pytest.raises(InvalidRequest, match=r"about videos only, .* ask pointing, describe"):
        label(dataset, ["embed", operation], answerer)

    assert answerer.requests == []
    assert "molmo2_run" not in dataset.get_field_schema()


def test_images_have_nothing_to_densify(make_image_dataset, answerer):
    with pytest.raises(ValueError, match="densify='linear': images have no frames"):
        label(make_image_dataset(1), ALL_THREE, answerer, densify="linear")

    assert answerer.requests == []


def test_a_field_of_another_type_is_named_before_the_first_request(make_image_dataset, answerer):
    dataset = make_image_dataset(1)
    dataset.add_sample_field(
        "molmo2_points", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections
    )

    with pytest.raises(FieldClash, match="molmo2_points is Detections, must be Keypoints"):
        label(dataset, ALL_THREE, answerer)

    assert answerer.requests == []


def test_prompts_come_from_a_field(make_image_dataset, answerer):
    dataset = make_image_dataset(2, what=["a nose", "a hand"])

    label(dataset, ["pointing"], answerer, prompt_field="what")

    labels = dataset.values("molmo2_points.keypoints.label")
    assert labels == [["a nose"], ["a hand"]]


def test_a_second_call_asks_only_what_failed(make_image_dataset, answerer):
    dataset = make_image_dataset(4)

    def meanwhile(name):
        if name == "02.png":
            raise VideoUnreadable("02.png is no image")

    answerer.meanwhile = meanwhile
    first = label(dataset, ALL_THREE, answerer)
    answerer.requests.clear()
    answerer.meanwhile = lambda name: None
    second = label(dataset, ALL_THREE, answerer)

    assert (first.labelled, first.failed) == (3, 1)
    assert [name for name, _ in answerer.requests] == ["02.png"]
    assert (second.finished, second.labelled) == (3, 1)
    assert dataset.count_values("molmo2_run.status") == {"ok": 4}


def test_overwriting_replaces_the_points(make_image_dataset, answerer):
    dataset = make_image_dataset(1)
    label(dataset, [Pointing(prompt="nose")], answerer)

    label(dataset, [Pointing(prompt="nothing")], answerer, overwrite=True)

    assert dataset.count("molmo2_points.keypoints") == 0


def test_images_are_embedded(make_image_dataset, answerer):
    dataset = make_image_dataset(3)

    embed_dataset(dataset, client=answerer, embeddings_field="vector", progress=False)

    assert np.vstack(dataset.values("vector")).shape == (3, 2)


def test_a_slice_of_images_beside_videos_is_labelled(database, videos, pictures, answerer):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="film")
    group = fo.Group()
    sides = {"film": videos[0], "still": pictures[1]}
    dataset.add_samples(
        [fo.Sample(filepath=str(path), group=group.element(n)) for n, path in sides.items()],
        progress=False,
    )

    still = dataset.select_group_slices("still")
    label(still, [Pointing(prompt="nose")], answerer)

    assert [name for name, _ in answerer.requests] == ["01.png"]
    assert still.count("molmo2_points.keypoints") == 1
    dataset.delete()


def test_a_sampling_of_images_is_refused(make_image_dataset, answerer):
    with pytest.raises(InvalidRequest, match="max_frames: images have no frames to sample"):
        label(make_image_dataset(1), ["embed"], answerer, max_frames=8)

    assert answerer.requests == []


def test_patches_and_frames_are_refused_with_what_to_pass(make_image_dataset, make_dataset):
    images, videos = make_image_dataset(1), make_dataset(1)
    box = fo.Detection(label="a", bounding_box=[0, 0, 0.5, 0.5])
    images.set_values("boxes", [fo.Detections(detections=[box])])
    videos.compute_metadata()
    videos.ensure_frames()

    with pytest.raises(ValueError, match=r"holds patches, .* pass the images that they are of"):
        label(images.to_patches("boxes"), ALL_THREE, None)
    with pytest.raises(ValueError, match=r"holds frames, .* pass the videos that they are of"):
        label(videos.to_frames(), ALL_THREE, None)


def test_what_is_not_in_the_picture_is_dropped_and_counted(pictures, answerer):
    good = ImagePoint(image=1, id=1, x=0.5, y=1.0, label="nose")
    bad = [good.model_copy(update=change) for change in ({"x": float("nan")}, {"y": 1.5})]
    elsewhere = good.model_copy(update={"image": 2})
    pointing = ImagePointingResult(status=Status.OK)
    answerer.results = {
        "pointing": pointing.model_copy(update={"points": [good, *bad, elsewhere]}),
        "embed": EmbedResult(status=Status.OK, pooling="mean", embedding=[]),
    }
    response = answerer.ask_images(str(pictures[0]), ALL_THREE, timeout=None)

    labels = to_labels(response, FieldNames("m", "vector", "image"), "a sample")

    assert [k.points for k in labels.values["m_points"].keypoints] == [[[0.5, 1.0]]]
    assert labels.values["vector"] is None
    assert labels.dropped == {"pointing": 3, "embed": 1}
