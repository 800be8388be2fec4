"""Which views can be labelled, and where their labels go."""

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

from molmo2_client.fiftyone import FieldClash, label_dataset

POINTING = [{"operation": "pointing", "prompt": "nose"}]


def label(view, client, operations=POINTING, **settings):
    return label_dataset(view, operations, client=client, progress=False, **settings)


def test_only_the_samples_of_the_view_are_asked(make_dataset, answerer):
    dataset = make_dataset(6, size=[5, 4, 3, 2, 1, 0])

    label(dataset.match(F("size") < 4).sort_by("size").limit(2), answerer, concurrency=1)

    assert [name for name, _ in answerer.requests] == ["05.mp4", "04.mp4"]
    assert dataset.values("molmo2_run.status") == [None] * 4 + ["ok", "ok"]


def test_a_view_that_leaves_out_fields_is_labelled_like_the_dataset(make_dataset, answerer):
    dataset = make_dataset(2, what=["a nose", "a hand"])

    label(dataset.select_fields(), answerer, prompt_field="what")
    summary = label(dataset.exclude_fields("what"), answerer, prompt_field="what")

    assert summary.finished == 2
    assert dataset.values("molmo2_run.pointing.prompt") == ["a nose", "a hand"]


def test_a_sample_that_comes_twice_is_asked_once(make_dataset, answerer):
    dataset = make_dataset(2)

    summary = label(dataset.concat(dataset), answerer)

    assert summary.samples == len(answerer.requests) == 2


def test_a_slice_of_a_grouped_dataset_is_labelled(database, videos, answerer):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    dataset.add_samples(
        [
            fo.Sample(filepath=str(path), group=group.element(name))
            for path, name in zip(videos, ["left", "right"], strict=False)
        ],
        progress=False,
    )

    with pytest.raises(ValueError, match="select_group_slices"):
        label(dataset, answerer)
    label(dataset.select_group_slices("right"), answerer)

    assert [name for name, _ in answerer.requests] == ["01.mp4"]
    right = dataset.select_group_slices("right")
    assert right.count("frames.molmo2_points.keypoints") == 4
    assert right.values("molmo2_run.status") == ["ok"]
    dataset.delete()


def test_samples_that_are_no_videos_and_no_images_are_refused(database, answerer):
    dataset = fo.Dataset()
    with pytest.raises(ValueError, match="no samples yet"):
        label(dataset, answerer)
    dataset.add_sample(fo.Sample(filepath="a.pcd"))

    with pytest.raises(ValueError, match="media type 'point-cloud', must be 'video' or 'image'"):
        label(dataset, answerer)
    dataset.delete()


def test_an_empty_view_asks_nothing(make_dataset, answerer):
    summary = label(make_dataset(2).limit(1).skip(1), answerer)

    assert (summary.samples, answerer.requests) == (0, [])


def test_fields_of_another_type_are_all_named_before_the_first_request(make_dataset, answerer):
    dataset = make_dataset(1)
    dataset.add_frame_field(
        "molmo2_points", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections
    )
    dataset.add_sample_field("molmo2_description", fo.IntField)
    before = dataset.get_field_schema()

    with pytest.raises(FieldClash) as raised:
        label(dataset, answerer, [*POINTING, {"operation": "describe", "prompt": "What?"}])

    message = str(raised.value)
    assert "frames.molmo2_points is Detections, must be Keypoints" in message
    assert "molmo2_description is IntField, must be StringField" in message
    assert "dataset.delete_frame_field('molmo2_points')" in message
    assert answerer.requests == []
    assert dataset.get_field_schema().keys() == before.keys()


@pytest.mark.parametrize("name", ["", "frames.molmo2", "_molmo2", "a$b"])
def test_a_label_field_is_a_plain_name(make_dataset, answerer, name):
    with pytest.raises(ValueError, match="label_field="):
        label(make_dataset(1), answerer, label_field=name)


def test_fields_are_named_as_asked(make_dataset, answerer):
    dataset = make_dataset(1)

    label(dataset, answerer, [*POINTING, "embed"], label_field="m", embeddings_field="vector")

    assert {"m_run", "vector"} <= dataset.get_field_schema().keys()
    assert "m_points" in dataset.get_frame_field_schema()


def test_other_labels_of_the_same_frames_stay(make_dataset, answerer):
    dataset = make_dataset(1)
    sample = dataset.first()
    sample.frames[7] = fo.Frame(note=fo.Classification(label="mine"))
    sample.save()

    label(dataset, answerer)

    dataset.reload()
    assert dataset.first().frames[7].note.label == "mine"
    assert len(dataset.first().frames[7].molmo2_points.keypoints) == 1
