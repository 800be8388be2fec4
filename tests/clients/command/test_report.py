import io

from rich.console import Console

from molmo2_client.command.report import MAX_ROWS, print_response
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

PLACE = Position(time=0.5, frame=16, x=0.25, y=0.5)
EVENT = Event(start=1, end=2.5, start_frame=31, end_frame=76, description="a [bold] move")


def _printed(*results):
    response = Response(
        model=ModelInfo(name="molmo2-4b", version="1.0", checkpoint="c"),
        video=VideoInfo(
            width=640,
            height=360,
            duration=4,
            frame_rate=29.97,
            frame_count=120,
            variable_frame_rate=False,
            sampled=Sampled(times=[0, 0.5], frames=[1, 16]),
        ),
        results=results,
        timing=RequestTiming(plan=0, decode=0, engine=0, total=1.234),
        request_id="r",
    )
    console = Console(file=io.StringIO(), width=100)
    print_response(response, console)
    return console.file.getvalue()


def _cells(text):
    """The words of each row of a table."""
    return [[c.strip() for c in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_the_model_and_the_video_come_first():
    assert _printed().splitlines()[0] == (
        "molmo2-4b 1.0 · 640×360, 4.0 s at 29.97 fps, 2 frames sampled · 1.23 s"
    )


def test_points_and_tracks_are_rows_with_time_and_place():
    point = Point(**PLACE.model_dump(), id=1, label="nose")
    track = Track(id=7, label="hand", points=[PLACE])
    text = _printed(
        PointingResult(status="ok", points=[point], count=1),
        TrackingResult(status="ok", tracks=[track]),
    )
    assert ["0.5", "16", "0.25", "0.5", "nose"] in _cells(text)
    assert ["0.5", "16", "7", "0.25", "0.5", "hand"] in _cells(text)


def test_tracks_are_in_order_of_time():
    later = Position(time=1.5, frame=46, x=0, y=0)
    tracks = [Track(id=1, label="a", points=[PLACE, later]), Track(id=2, label="b", points=[PLACE])]
    times = [row[0] for row in _cells(_printed(TrackingResult(status="ok", tracks=tracks)))]
    assert times == ["0.5", "0.5", "1.5"]


def test_long_tables_end_and_say_how_much_is_left():
    points = [Point(**PLACE.model_dump(), id=i, label="car") for i in range(MAX_ROWS + 5)]
    text = _printed(PointingResult(status="ok", points=points, count=len(points)))
    assert len(_cells(text)) == MAX_ROWS
    assert "and 5 more" in text


def test_what_the_model_wrote_is_no_markup():
    text = _printed(
        DescribeResult(status="ok", text="press [enter] or [/] :smile:"),
        TemporalLocalizationResult(status="ok", events=[EVENT]),
    )
    assert "press [enter] or [/] :smile:" in text
    assert ["1", "2.5", "a [bold] move"] in _cells(text)


def test_an_analysis_shows_all_of_its_parts():
    analysis = Analysis(
        summary="A street.",
        objects=[EVENT.model_copy(update={"description": "car"})],
        events=[EVENT],
        text_content=[EVENT.model_copy(update={"description": "STOP"})],
        scene_info=SceneInfo(setting="outdoor"),
        activities=Activities(primary_activity="driving", secondary_activities=["walking"]),
    )
    text = _printed(ComprehensiveResult(status="ok", analysis=analysis))
    for part in ("A street.", "car", "a [bold] move", "STOP", "outdoor, driving, walking"):
        assert part in text


def test_an_embedding_is_its_size():
    assert "max of 3 dimensions" in _printed(
        EmbedResult(status="ok", pooling="max", embedding=[0, 1, 0])
    )


def test_a_status_that_is_not_ok_says_why():
    text = _printed(
        PointingResult(status="partial", reason="cut at [max_new_tokens]"),
        DescribeResult(status="error", error={"kind": "internal", "message": "no [memory]"}),
        TemporalLocalizationResult(status="empty"),
    )
    assert "pointing partial: cut at [max_new_tokens]" in text
    assert "describe error: no [memory]" in text
    assert "temporal_localization empty" in text
