"""Properties of every answer: well formed, cut anywhere, and of no form at all."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    GeneratedOperation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.results import (
    GeneratedResult,
    PointingResult,
    Position,
    Status,
    TrackingResult,
)
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import ProgressReader, read_answer

POINTING, TRACKING = Pointing(prompt="asked for"), Tracking(prompt="asked for")

Written = tuple[float, int, int, int]  # seconds, id, x and y in thousandths


@dataclass(frozen=True)
class Answer:
    """A well-formed answer and what it holds. ``ends[i]`` is where point i ends in the text."""

    text: str
    label: str
    points: list[Written]
    ends: list[int]


@st.composite
def answers(draw: st.DrawFn, kind: str) -> Answer:
    """As the official formatter writes it, in html-v2 and html-v1."""
    tenths = sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=4)))
    label = draw(
        st.text(max_size=8).map(str.strip).filter(lambda label: label and "<" not in label)
    )
    separator = draw(st.sampled_from([";", "\t"]))
    text, points, ends = f'<{kind} coords="', [], []
    for index, tenth in enumerate(tenths):
        text += (separator if index else "") + f"{tenth / 10:.1f}"
        if kind == "tracks":
            ids = sorted(draw(st.sets(st.integers(1, 12), min_size=1, max_size=3)))
        else:
            ids = list(range(len(points) + 1, len(points) + 1 + draw(st.integers(1, 3))))
        for number in ids:
            x, y = draw(st.integers(0, 1000)), draw(st.integers(0, 1000))
            text += f" {number} {x:03} {y:03}"
            points.append((tenth / 10, number, x, y))
            ends.append(len(text))
    return Answer(f'{text}">{label}</{kind}>', label, points, ends)


ANSWERS = answers("points") | answers("tracks")

# Fragments that nearly are an answer find more than letters by chance do.
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *("<points", "<tracks ", "<point", "</points>", "</tracks>", ">", "/>", "<", "/"),
            *(' coords="', " coords='", " coords=", ' alt="', ' label="a"', ' x1="10" y1="20"'),
            *('"', "'", ";", "\t", "\n", ",", ":", " ", "0.5", "1.0 1 100 200", " 2 300 400"),
            *("0.5 1 100 200;", "1.5 1 7 1001;", "01:05.0 ", "1.2.3 1 1 1;", "100", "4", "a"),
            *("There are none.", "There are 3 ", " a total of 12", "0"),
            *("{", "}", "[", "]", '{"start": "00:01", "end": "00:02", "description": "a"}'),
            *('"events": [', '"summary": ["a"]', '"objects": "b"', '"start": -1', "```json\n"),
        ]
    ),
    max_size=14,
).map("".join)
TEXTS = FRAGMENTS | st.text()

OPERATIONS = st.sampled_from(
    [POINTING, TRACKING, Describe(prompt="x"), TemporalLocalization(), Comprehensive()]
)


def written(result: GeneratedResult) -> Counter[Written]:
    """Every point or position of a result, as the model wrote it."""
    if isinstance(result, PointingResult):
        return Counter((*_place(point), point.id) for point in result.points)
    assert isinstance(result, TrackingResult)
    return Counter((*_place(point), track.id) for track in result.tracks for point in track.points)


def _place(point: Position) -> tuple[float, int, int]:
    return point.time, round(point.x * 1000), round(point.y * 1000)


def expected(points: list[Written]) -> Counter[Written]:
    return Counter((time, x, y, number) for time, number, x, y in points)


@given(answers("points"))
def test_points_are_read_back(video: VideoInfo, answer: Answer):
    result = read_answer(POINTING, answer.text, False, video)
    assert isinstance(result, PointingResult)
    assert [(p.time, p.id, round(p.x * 1000), round(p.y * 1000)) for p in result.points] == (
        answer.points
    )
    assert {point.label for point in result.points} == {answer.label}
    assert (result.status, result.reason) == (Status.OK, None)


@given(answers("tracks"))
def test_tracks_are_read_back(video: VideoInfo, answer: Answer):
    result = read_answer(TRACKING, answer.text, False, video)
    assert isinstance(result, TrackingResult)
    assert written(result) == expected(answer.points)
    assert [track.id for track in result.tracks] == list(
        dict.fromkeys(number for _, number, _, _ in answer.points)
    )
    assert {track.label for track in result.tracks} == {answer.label}
    assert (result.status, result.reason) == (Status.OK, None)


@given(ANSWERS, st.sampled_from([POINTING, TRACKING]), st.data())
def test_an_answer_cut_anywhere_keeps_exactly_its_whole_points(
    video: VideoInfo, answer: Answer, operation: GeneratedOperation, data: st.DataObject
):
    cut = data.draw(st.integers(1, len(answer.text) - 1))
    result = read_answer(operation, answer.text[:cut], True, video)
    whole = sum(end < cut for end in answer.ends)
    assert written(result) == expected(answer.points[:whole])
    assert result.status is Status.PARTIAL


@given(OPERATIONS, TEXTS, st.booleans())
def test_every_text_gives_a_result_that_can_be_sent(
    video: VideoInfo, operation: GeneratedOperation, text: str, truncated: bool
):
    result = read_answer(operation, text, truncated, video)
    assert type(result).model_validate_json(result.model_dump_json()) == result
    assert (result.reason is None) == (result.status in (Status.OK, Status.EMPTY))
    if isinstance(result, PointingResult | TrackingResult):
        assert not (result.status in (Status.EMPTY, Status.UNPARSED) and written(result))


@given(st.sampled_from([POINTING, TRACKING]), TEXTS | ANSWERS.map(lambda answer: answer.text))
def test_progress_over_every_prefix_is_part_of_the_result_wherever_it_ends(
    video: VideoInfo, operation: GeneratedOperation, text: str
):
    reader = ProgressReader(operation, video)
    reported: Counter[Written] = Counter()
    for end in range(len(text) + 1):
        reported += Counter((*_place(point), point.id) for point in reader.feed(text[:end]))
        assert reported <= written(read_answer(operation, text[:end], True, video))
    assert reported <= written(read_answer(operation, text, False, video))


@given(st.sampled_from([POINTING, TRACKING]), ANSWERS, st.data())
def test_progress_reports_every_finished_step_whatever_is_fed_at_once(
    video: VideoInfo, operation: GeneratedOperation, answer: Answer, data: st.DataObject
):
    reader = ProgressReader(operation, video)
    cuts = data.draw(st.sets(st.integers(0, len(answer.text)), max_size=5))
    reported: Counter[Written] = Counter()
    for cut in sorted(cuts | {len(answer.text)}):
        reported += Counter((*_place(point), point.id) for point in reader.feed(answer.text[:cut]))
        ended = [
            point
            for point, step_end in zip(answer.points, _step_ends(answer), strict=True)
            if step_end < cut
        ]
        assert reported == expected(ended)


def _step_ends(answer: Answer) -> list[int]:
    """For each point, where its time step ends."""
    last_of = {time: end for (time, _, _, _), end in zip(answer.points, answer.ends, strict=True)}
    return [last_of[time] for time, _, _, _ in answer.points]
