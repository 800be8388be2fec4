"""What one application of a model leaves to the next."""

import fiftyone as fo

from molmo2_client.fiftyone import label_dataset


def test_what_a_second_run_does_not_find_again_is_gone(apply, make_dataset, make_model):
    dataset = make_dataset(1)
    model = make_model(operation="pointing", prompt="nose")

    apply(dataset, model, "f")
    model.prompt = "nothing"
    apply(dataset, model, "f")

    assert dataset.count("frames.f_points.keypoints") == 0
    assert dataset.values("f_run.pointing.status") == ["empty"]


def test_the_record_says_how_frames_were_sampled(apply, make_dataset, make_model, answerer):
    dataset = make_dataset(1)

    apply(dataset, make_model(operation="describe", prompt="?", max_frames=16), "f")

    assert answerer.samplings == [(16, None)]
    assert dataset.values("f_run.describe.settings") == ['{"max_frames": 16}']


def test_operations_under_one_label_field_share_its_run_record(apply, make_dataset, make_model):
    dataset = make_dataset(1)
    model = make_model(operation="pointing", prompt="nose")

    apply(dataset, model, "f")
    model.operation = "describe"
    apply(dataset, model, "f")

    record = dataset.first()["f_run"]
    assert (record.pointing.status, record.describe.status) == ("ok", "ok")


def test_a_slice_of_a_grouped_dataset_is_labelled_and_labelled_again(
    apply, database, videos, make_model, answerer
):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    sides = zip(videos, ["left", "right"], strict=False)
    dataset.add_samples(
        [fo.Sample(filepath=str(path), group=group.element(side)) for path, side in sides],
        progress=False,
    )
    right = dataset.select_group_slices("right")
    model = make_model(operation="describe", prompt="?")

    apply(right, model, "f")
    model.operation = "pointing"
    apply(right, model, "f")

    (record,) = right.values("f_run")
    assert (record.describe.status, record.pointing.status) == ("ok", "ok")
    assert [name for name, _ in answerer.requests] == ["01.mp4"] * 2
    dataset.delete()


def test_label_dataset_goes_on_where_apply_model_ended(apply, make_dataset, make_model, answerer):
    dataset = make_dataset(3)
    model = make_model(operation="pointing", prompt="nose")

    apply(dataset.limit(2), model, "f")
    summary = label_dataset(
        dataset,
        [{"operation": "pointing", "prompt": "nose"}],
        client=answerer,
        label_field="f",
        progress=False,
    )

    assert summary.finished == 2
    assert len(answerer.requests) == 3
