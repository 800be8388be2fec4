"""Documents of keypoints are what FiftyOne itself would store; no database is needed."""

import fiftyone as fo

from molmo2_client.fiftyone.keypoint_documents import (
    instance_document,
    keypoint_document,
    keypoints_document,
    to_document,
    to_label,
)

IDENTITY = "6b0392365eed4c5dd5ef8512"


def without_ids(document):
    return {name: value for name, value in document.items() if name != "_id"}


def test_a_keypoint_is_stored_as_fiftyone_stores_it():
    instance = fo.Instance(id=IDENTITY)
    own = fo.Keypoint(label="nose", points=[(0.25, 0.75)], index=3, instance=instance, time=0.5)

    document = keypoint_document(
        0.25, 0.75, label="nose", index=3, instance=instance_document(IDENTITY), time=0.5
    )

    assert without_ids(document) == without_ids(own.to_dict())


def test_every_keypoint_has_an_id_of_its_own_and_none_changes_another():
    one, other = keypoint_document(0, 0, label="a"), keypoint_document(1, 1)

    assert one["_id"] != other["_id"]
    assert (one["label"], other.get("label")) == ("a", None)


def test_a_label_comes_back_as_it_was_put_down():
    document = keypoints_document([keypoint_document(0.1, 0.2, label="a", index=1, clip="1-9")])

    label = to_label(document)

    assert isinstance(label, fo.Keypoints)
    (keypoint,) = label.keypoints
    assert (keypoint.label, keypoint.points, keypoint.clip) == ("a", [[0.1, 0.2]], "1-9")
    assert to_document(label) == document


def test_no_keypoints_are_an_empty_label():
    assert to_label(keypoints_document([])) == fo.Keypoints(keypoints=[])
