"""When labels are written, and in which order."""

import fiftyone as fo
import pytest

from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.keypoint_documents import keypoint_document, keypoints_document
from molmo2_client.fiftyone.labels import Labels
from molmo2_client.fiftyone.record import RECORD, Record
from molmo2_client.fiftyone.schema import declare
from molmo2_client.fiftyone.writer import FLUSH_SAMPLES, LabelWriter

NAMES = FieldNames("molmo2", "molmo2_embedding")
POINTS = NAMES.frame("points")


@pytest.fixture
def dataset(make_dataset):
    dataset = make_dataset(12)
    declare(dataset, {**NAMES.of("pointing"), NAMES.run: RECORD})
    return dataset


def labels(*frames):
    keypoints = keypoints_document([keypoint_document(0.5, 0.5, label="nose")])
    return Labels(frames={POINTS: dict.fromkeys(frames, keypoints)})


def record(status="ok"):
    return Record({"latency": 0.5}, {"pointing": {"status": status}})


def labelled_frames(sample):
    return [number for number in sample.frames if sample.frames[number].molmo2_points]


def test_a_full_batch_is_written_by_itself(dataset):
    writer = LabelWriter(dataset, NAMES.run)
    ids = dataset.values("id")

    for sample_id in ids[: FLUSH_SAMPLES - 1]:
        writer.add(sample_id, labels(1), record())
    before = dataset.count("molmo2_run.status")
    writer.add(ids[FLUSH_SAMPLES - 1], labels(1), record())

    assert (before, dataset.count("molmo2_run.status")) == (0, FLUSH_SAMPLES)


def test_the_record_is_written_after_the_labels(dataset, monkeypatch):
    writer = LabelWriter(dataset, NAMES.run)
    written = []
    set_values = fo.Dataset.set_values

    def noting(self, path, *args, **settings):
        written.append(path)
        set_values(self, path, *args, **settings)

    monkeypatch.setattr(fo.Dataset, "set_values", noting)
    writer.add(dataset.first().id, labels(1), record())
    writer.flush()

    assert written == [POINTS, NAMES.run]


def test_killed_while_replacing_labels_leaves_no_record_of_them(dataset, monkeypatch):
    writer = LabelWriter(dataset, NAMES.run)
    sample = dataset.first()
    writer.add(sample.id, labels(1, 2), record())
    writer.flush()
    set_values = fo.Dataset.set_values

    def killed(self, path, *args, **settings):
        if path == POINTS:
            raise KeyboardInterrupt
        set_values(self, path, *args, **settings)

    monkeypatch.setattr(fo.Dataset, "set_values", killed)
    writer.add(sample.id, labels(3), record())
    with pytest.raises(KeyboardInterrupt):
        writer.flush()

    assert dataset.values("molmo2_run.pointing.status")[0] is None
    monkeypatch.undo()
    writer.flush()  # what was collected is still there
    dataset.reload()
    assert labelled_frames(dataset.first()) == [3]
    assert dataset.values("molmo2_run.pointing.status")[0] == "ok"


def test_a_sample_deleted_in_the_meantime_is_left_out(dataset):
    writer = LabelWriter(dataset, NAMES.run)
    gone, stays = dataset.values("id")[:2]
    writer.add(gone, labels(1), record())
    writer.add(stays, labels(4), record())

    dataset.delete_samples([gone])
    writer.flush()

    assert labelled_frames(dataset.first()) == [4]
    assert dataset.count("molmo2_run.status") == 1


def test_the_status_of_a_record_is_that_of_all_its_operations(dataset):
    writer = LabelWriter(dataset, NAMES.run)
    sample_id = dataset.first().id

    writer.add(sample_id, Labels(), record("error"))
    writer.flush()
    writer.add(sample_id, Labels(), Record({}, {"describe": {"status": "ok"}}))
    writer.flush()
    one_failed = dataset.first().molmo2_run.status
    writer.add(sample_id, labels(1), record("partial"))
    writer.flush()

    dataset.reload()
    run = dataset.first().molmo2_run
    assert (one_failed, run.status) == ("error", "ok")
    assert (run.pointing.status, run.describe.status, run.latency) == ("partial", "ok", 0.5)
