import io

import pytest
from rich.console import Console

from molmo2_client import Done, OperationDone, Progress, ProtocolError
from molmo2_client.command.following import follow
from molmo2_contract.events import ProgressPoint
from molmo2_contract.response import ModelInfo, RequestTiming
from molmo2_contract.results import DescribeResult, EmbedResult
from molmo2_contract.video import Sampled, VideoInfo

DONE = Done(
    model=ModelInfo(name="m", version="1.0", checkpoint="c"),
    video=VideoInfo(
        width=8,
        height=8,
        duration=1,
        frame_rate=2,
        frame_count=2,
        variable_frame_rate=False,
        sampled=Sampled(times=[0], frames=[1]),
    ),
    timing=RequestTiming(plan=0, decode=0, engine=0, total=0),
    request_id="r",
)
FIRST = DescribeResult(status="ok", text="a")
SECOND = EmbedResult(status="ok", pooling="mean", embedding=[1.0])
POINT = ProgressPoint(id=1, time=0, frame=1, x=0.5, y=0.5)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=True, width=80)


def test_results_that_come_in_any_order_add_up_to_the_response(console):
    stream = [OperationDone(index=1, result=SECOND), OperationDone(index=0, result=FIRST), DONE]
    response = follow(stream, ["describe", "embed"], console)
    assert response.results == [FIRST, SECOND]
    assert (response.model, response.video, response.request_id) == (DONE.model, DONE.video, "r")


def test_tokens_and_points_are_shown_while_they_come(console):
    def stream():
        yield Progress(index=0, generated_tokens=5, points=[POINT])
        yield Progress(index=0, generated_tokens=9, points=[POINT])
        shown.append(console.file.getvalue())
        yield OperationDone(index=0, result=FIRST)
        yield DONE

    shown = []
    follow(stream(), ['pointing "[car]"'], console)
    assert 'pointing "[car]"' in shown[0]
    assert "9 tokens, 2 points" in console.file.getvalue()


def test_the_last_points_are_shown_while_the_operation_runs(console):
    def stream():
        for number in range(1, 8):
            point = POINT.model_copy(update={"id": number, "time": number / 2})
            yield Progress(index=0, generated_tokens=9 * number, points=[point])
        shown.append(console.file.getvalue())
        yield OperationDone(index=0, result=FIRST)
        yield DONE

    shown = []
    follow(stream(), ["tracking"], console)
    last = shown[0].rpartition("63 tokens, 7 points")[2]
    assert "#7 at 3.5 s (0.500, 0.500)" in last
    assert "#3 at 1.5 s" in last
    assert "#2 at" not in last


@pytest.mark.parametrize(
    "stream",
    [
        [DONE],
        [OperationDone(index=1, result=FIRST), DONE],
        [],
        [Progress(index=0, generated_tokens=1)],
    ],
)
def test_a_stream_without_a_result_for_every_operation_is_a_protocol_error(console, stream):
    with pytest.raises(ProtocolError):
        follow(stream, ["describe"], console)
