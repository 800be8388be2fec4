"""Clips: what is asked about them, and where their labels go."""

import subprocess

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

from molmo2_client.fiftyone import embed_dataset, label_dataset
from molmo2_client.fiftyone.clip import Clip
from molmo2_client.fiftyone.frame_times import seconds_of
from molmo2_contract.errors import InvalidRequest

POINTING = [{"operation": "pointing", "prompt": "nose"}]
DESCRIBE = [{"operation": "describe", "prompt": "What is it?"}]


def label(view, client, operations=POINTING, **settings):
    return label_dataset(view, operations, client=client, progress=False, **settings)


@pytest.fixture
def dataset(make_dataset):
    """Two videos of 20 frames at 10 frames a second, each with two events that overlap."""
    events = [
        fo.TemporalDetection(label="enters", support=[1, 8]),
        fo.TemporalDetection(label="leaves", support=[5, 20]),
    ]
    return make_dataset(2, events=[fo.TemporalDetections(detections=events).copy() for _ in "ab"])


def clip_of(keypoint):
    return keypoint.clip if keypoint.has_field("clip") else None


def clips_of_keypoints(sample, field="molmo2_points"):
    return {
        number: [clip_of(keypoint) for keypoint in sample.frames[number][field].keypoints]
        for number in sample.frames
        if sample.frames[number][field]
    }


def test_a_clip_is_asked_about_in_seconds_that_hold_its_frames_and_no_others(dataset, answerer):
    clips = dataset.limit(1).to_clips("events")

    summary = label(clips, answerer, concurrency=1)

    assert (summary.samples, summary.labelled) == (2, 2)
    assert clips.values("support") == [[1, 8], [5, 20]]
    assert answerer.parts == [
        (None, pytest.approx(0.775)),  # frame 8 begins at 0.7 s
        (pytest.approx(0.425), None),  # frame 5 begins at 0.4 s, and 20 is the last
    ]


def test_frame_labels_go_to_the_frames_of_the_dataset_with_their_clip(dataset, answerer):
    label(dataset.to_clips("events"), answerer)

    dataset.reload()
    assert clips_of_keypoints(dataset.first()) == {
        1: ["1-8"],
        3: ["1-8"],
        6: ["1-8"],
        8: ["1-8"],
        5: ["5-20"],
        10: ["5-20"],
        15: ["5-20"],
        20: ["5-20"],
    }


def test_clips_that_share_a_frame_keep_their_own_points_in_it(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset.to_clips([[(1, 10), (4, 10)]]), answerer)
    before = clips_of_keypoints(dataset.first())

    label(dataset.to_clips([[(4, 10)]]), answerer, [{"operation": "pointing", "prompt": "nothing"}])

    dataset.reload()
    after = clips_of_keypoints(dataset.first())
    assert sorted(before[10]) == ["1-10", "4-10"]
    assert after[10] == ["1-10"]
    assert {clip for clips in after.values() for clip in clips} == {"1-10"}


def test_points_of_the_whole_video_stay_beside_those_of_a_clip(make_dataset, answerer):
    dataset = make_dataset(1)
    label(dataset, answerer)

    label(dataset.to_clips([[(7, 20)]]), answerer)

    dataset.reload()
    assert clips_of_keypoints(dataset.first())[7] == [None, "7-20"]


def test_labels_of_a_sample_go_to_the_clip_and_leave_the_video_alone(dataset, answerer):
    clips = dataset.to_clips("events")
    answered = ["temporal_localization", "embed", *DESCRIBE]

    label(clips, answerer, answered, label_field="clip")

    assert clips.values("clip_description") == ["an answer to What is it?"] * 4
    assert clips.values("clip_run.status") == ["ok"] * 4
    assert [v.tolist() for v in clips.values("clip_embedding")] == [pytest.approx([0.6, 0.8])] * 4
    assert not [name for name in dataset.get_field_schema() if name.startswith("clip_")]
    assert clips.values("events.label") == ["enters", "leaves"] * 2


def test_an_event_ends_with_its_clip(make_dataset, answerer):
    clips = make_dataset(1).to_clips([[(6, 9), (12, 20)]])

    label(clips, answerer, ["temporal_localization"])

    events = [clip.molmo2_events.detections for clip in clips]
    assert [[event.support for event in found] for found in events] == [[[6, 9]], []]
    assert clips.values("molmo2_run.temporal_localization.dropped") == [0, 1]


def test_a_second_call_asks_only_the_clips_that_have_no_answer(dataset, answerer):
    clips = dataset.to_clips("events")
    label(clips.match(F("support")[0] > 1), answerer)

    summary = label(clips, answerer)

    assert (summary.samples, summary.finished) == (4, 2)
    assert len(answerer.requests) == 4


def test_clips_of_a_saved_view_keep_their_answers(dataset, answerer):
    clips = dataset.to_clips("events")
    label(clips, answerer, DESCRIBE)
    dataset.save_view("parts", clips)

    again = label(dataset.load_saved_view("parts"), answerer, DESCRIBE)

    assert again.finished == 4


def test_a_sorted_filtered_and_limited_view_of_clips_is_a_view_of_clips(dataset, answerer):
    clips = dataset.to_clips("events").match(F("support")[0] > 1).sort_by("filepath", reverse=True)

    label(clips.limit(1), answerer)

    assert answerer.asked == [("01.mp4", ["pointing"])]
    assert clips.values("molmo2_run.status") == ["ok", None]


def test_a_clip_is_embedded(dataset, answerer):
    clips = dataset.limit(1).to_clips("events")

    embed_dataset(clips, client=answerer, embeddings_field="vector", progress=False)

    assert np.vstack(clips.values("vector")).shape == (2, 2)
    assert "vector" not in dataset.get_field_schema()


def test_a_prompt_that_the_clips_do_not_have_is_said(make_dataset, answerer):
    dataset = make_dataset(1, what=["a nose"])
    supports = [[(1, 8)]]

    with pytest.raises(ValueError, match=r"clips have no such field.*other_fields='what'"):
        label(dataset.to_clips(supports), answerer, prompt_field="what")
    label(dataset.to_clips(supports, other_fields="what"), answerer, prompt_field="what")

    assert answerer.requests[0][1][0].prompt == "a nose"


def test_a_clip_beyond_the_end_fails_alone(make_dataset, answerer):
    clips = make_dataset(1).to_clips([[(1, 8), (15, 30)]])

    summary = label(clips, answerer)

    assert (summary.labelled, summary.failed) == (1, 1)
    assert "support [15, 30]: the video has 20 frames" in summary.failures[0].message


def test_a_file_that_is_elsewhere_is_taken_to_have_the_rate_of_its_metadata(tmp_path):
    elsewhere = str(tmp_path / "a.mp4")

    part = seconds_of(Clip("id", 31, 60, frame_rate=30, frame_count=90), elsewhere)

    assert part == pytest.approx({"start": 1 + 0.25 / 30, "end": 2 - 0.25 / 30})
    with pytest.raises(InvalidRequest, match="compute_metadata"):
        seconds_of(Clip("id", 31, 60), elsewhere)


@pytest.fixture
def variable(tmp_path, videos):
    """Twenty frames, of which the last ten last three times as long."""
    path = tmp_path / "variable.mp4"
    timing = "setpts='if(lt(N,10),N,10+3*(N-10))/10/TB'"
    command = ["ffmpeg", "-v", "error", "-i", videos[0], "-vf", timing, "-fps_mode", "vfr", path]
    subprocess.run(command, check=True)
    return str(path)


def test_seconds_come_from_the_file_where_its_frame_rate_varies(variable):
    part = seconds_of(Clip("id", 9, 12, frame_rate=5, frame_count=20), variable)

    assert part == pytest.approx({"start": 0.825, "end": 1.3 + 0.225}, abs=1e-3)
