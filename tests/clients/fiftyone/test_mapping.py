"""From a response to labels; no database is needed."""

import math

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.keypoint_documents import to_label
from molmo2_client.fiftyone.mapping import to_labels
from molmo2_contract.response import ModelInfo, RequestTiming, Response
from molmo2_contract.results import (
    Activities,
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Event,
    Point,
    PointingResult,
    Position,
    SceneInfo,
    TemporalLocalizationResult,
    Track,
    TrackingResult,
)
from molmo2_contract.video import Sampled, VideoInfo

NAMES = FieldNames("m", "vector")
SAMPLE = "6b0392365eed4c5dd5ef8512"


def response(*results, frame_count=100, sampled=(1, 50, 100), variable_frame_rate=False):
    return Response(
        model=ModelInfo(name="demo", version="1.0", checkpoint="demo"),
        video=VideoInfo(
            width=64,
            height=48,
            duration=4,
            frame_rate=25,
            frame_count=frame_count,
            variable_frame_rate=variable_frame_rate,
            sampled=Sampled(times=[0.0, 2.0, 4.0], frames=list(sampled)),
        ),
        results=list(results),
        timing=RequestTiming(plan=0, decode=0, engine=0, total=0),
        request_id="r",
    )


def point(frame, x=0.5, y=0.5, *, time=0.0, number=1, label="nose"):
    return Point(time=time, frame=frame, x=x, y=y, id=number, label=label)


def event(start_frame, end_frame, description="a jump"):
    return Event(
        start=0.5,
        end=2.5,
        start_frame=start_frame,
        end_frame=end_frame,
        description=description,
    )


def labels(result, names=NAMES, **video):
    return loaded(to_labels(response(result, **video), names, SAMPLE))


def loaded(labels):
    """With FiftyOne's labels in the place of documents."""
    for frames in labels.frames.values():
        frames |= {number: to_label(document) for number, document in frames.items()}
    return labels


def test_points_of_one_frame_share_one_label():
    found = [point(1, number=1), point(50, number=2), point(50, 0.1, number=3, label="left nose")]

    frames = labels(PointingResult(status="ok", points=found)).frames["frames.m_points"]

    assert {f: [k.index for k in frames[f].keypoints] for f in frames} == {1: [1], 50: [2, 3]}
    assert frames[50].keypoints[1].label == "left nose"


def test_frame_numbers_are_the_servers_even_where_time_and_rate_say_otherwise():
    found = [point(61, time=2.0)]  # 2.0 s at 25 frames a second would be frame 51

    kept = labels(PointingResult(status="ok", points=found), variable_frame_rate=True)

    (number,) = kept.frames["frames.m_points"]
    assert number == 61
    assert kept.frames["frames.m_points"][61].keypoints[0].time == 2.0


@pytest.mark.parametrize(
    ("field", "value"),
    [("x", math.nan), ("y", math.inf), ("x", 1.01), ("y", -0.01), ("frame", 101)],
)
def test_what_lies_outside_the_video_is_dropped_and_counted(field, value):
    outside = point(1).model_copy(update={field: value})
    result = PointingResult(status="ok").model_copy(update={"points": [outside, point(50)]})

    kept = to_labels(response().model_copy(update={"results": [result]}), NAMES, SAMPLE)

    assert list(kept.frames["frames.m_points"]) == [50]
    assert kept.dropped == {"pointing": 1}


@given(
    st.lists(
        st.tuples(st.integers(1, 100), st.floats(0, 1), st.floats(0, 1), st.integers(0, 9)),
        max_size=30,
    )
)
def test_every_point_inside_the_video_is_kept_where_it_is(places):
    found = [point(f, x, y, number=n) for f, x, y, n in places]

    frames = labels(PointingResult(status="ok", points=found)).frames["frames.m_points"]

    kept = [(f, *k.points[0], k.index) for f in frames for k in frames[f].keypoints]
    assert sorted(kept) == sorted(places)


def test_a_track_has_one_instance_of_its_own():
    def track(number, label):
        places = [Position(time=0, frame=f, x=0.1, y=0.2) for f in (1, 50)]
        return Track(id=number, label=label, points=places)

    result = TrackingResult(status="ok", tracks=[track(1, "a"), track(2, "a"), track(1, "b")])
    frames = labels(result).frames["frames.m_tracks"]
    again = labels(result).frames["frames.m_tracks"]
    elsewhere = labels(result, FieldNames("n", "v")).frames["frames.n_tracks"]

    ids = [k.instance.id for k in frames[1].keypoints]
    assert len(set(ids)) == 3
    assert [k.instance.id for k in frames[50].keypoints] == ids
    assert [k.instance.id for k in again[1].keypoints] == ids
    assert not {k.instance.id for k in elsewhere[1].keypoints} & set(ids)


def test_an_event_keeps_its_frames_and_its_seconds():
    kept = labels(TemporalLocalizationResult(status="ok", events=[event(13, 63)]))

    (detection,) = kept.values["m_events"].detections
    assert (detection.label, detection.support) == ("a jump", [13, 63])
    assert (detection.start, detection.end) == (0.5, 2.5)


def test_an_event_ends_with_the_video_and_is_dropped_if_it_begins_later():
    found = [event(90, 120), event(110, 120), event(60, 50)]

    kept = labels(TemporalLocalizationResult(status="ok", events=found))

    assert [d.support for d in kept.values["m_events"].detections] == [[90, 100]]
    assert kept.dropped == {"temporal_localization": 2}


def test_a_decoded_frame_is_inside_whatever_the_container_counts():
    kept = labels(PointingResult(status="ok", points=[point(104)]), sampled=(1, 50, 104))

    assert list(kept.frames["frames.m_points"]) == [104]


def test_an_analysis_fills_all_its_fields_with_the_models_own_words():
    analysis = Analysis(
        summary="NASA launches iPhone",
        objects=[event(1, 100, "a BMW M3")],
        events=[event(1, 50)],
        text_content=[event(2, 3, "EXIT")],
        scene_info=SceneInfo(setting="outdoor", time_of_day="day", location_type="street"),
        activities=Activities(primary_activity="jump", secondary_activities=["walk", "talk"]),
    )

    values = labels(ComprehensiveResult(status="ok", analysis=analysis)).values

    assert values["m_summary"] == "NASA launches iPhone"
    assert [d.label for d in values["m_objects"].detections] == ["a BMW M3"]
    assert [d.label for d in values["m_analysis_events"].detections] == ["a jump"]
    assert [d.label for d in values["m_text_content"].detections] == ["EXIT"]
    assert values["m_scene_info_setting"].label == "outdoor"
    assert values["m_scene_info_time_of_day"].label == "day"
    assert values["m_scene_info_location_type"].label == "street"
    assert values["m_activities_primary"].label == "jump"
    secondary = values["m_activities_secondary"].classifications
    assert [c.label for c in secondary] == ["walk", "talk"]
    assert "m_events" not in values  # those are temporal_localization's


def test_an_empty_analysis_has_empty_lists_and_no_classifications():
    values = labels(ComprehensiveResult(status="empty", analysis=Analysis())).values

    assert values["m_objects"] == fo.TemporalDetections(detections=[])
    assert values["m_activities_secondary"] == fo.Classifications(classifications=[])
    assert values["m_scene_info_setting"] is None
    assert values["m_summary"] is None


def test_nothing_found_is_an_empty_label():
    assert labels(PointingResult(status="empty")).frames == {
        "frames.m_points": {1: fo.Keypoints(keypoints=[])}
    }
    assert labels(TrackingResult(status="empty"), sampled=(7, 50, 100)).frames == {
        "frames.m_tracks": {7: fo.Keypoints(keypoints=[])}
    }
    assert labels(TemporalLocalizationResult(status="empty")).values == {
        "m_events": fo.TemporalDetections(detections=[])
    }
    assert labels(DescribeResult(status="empty", text="")).values == {"m_description": ""}


def test_a_cut_off_answer_keeps_what_was_read():
    kept = labels(PointingResult(status="partial", reason="cut", points=[point(50)]))

    assert list(kept.frames["frames.m_points"]) == [50]


def test_an_unparsed_answer_clears_its_fields_and_an_error_does_not():
    unparsed = labels(PointingResult(status="unparsed", reason="no tags"))
    error = labels(PointingResult(status="error"))

    assert unparsed.frames == {"frames.m_points": {}}
    assert error.frames == {}


def test_an_embedding_is_a_float32_vector():
    vector = labels(EmbedResult(status="ok", pooling="mean", embedding=[0.6, 0.8])).values["vector"]

    assert vector.dtype == np.float32
    assert vector.tolist() == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("embedding", [[], [math.nan, 1.0]])
def test_an_embedding_that_is_none_is_not_stored(embedding):
    result = EmbedResult(status="ok", pooling="mean").model_copy(update={"embedding": embedding})

    kept = to_labels(response().model_copy(update={"results": [result]}), NAMES, SAMPLE)

    assert kept.values == {"vector": None}
    assert kept.dropped == {"embed": 1}
