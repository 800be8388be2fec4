"""A folder of videos into a file of answers, against a server that answers over HTTP."""

import json
from pathlib import Path

import pytest

from molmo2_client import Embed, InvalidRequest, Molmo2
from molmo2_client.folder import AnswerFileError, find_videos, label_folder, read_answers

VIDEOS = ["a.mp4", "b.mp4", "c.MP4", "d.mp4", "more/e.mp4"]
OPERATIONS = [{"operation": "pointing", "prompt": "nose"}, "embed"]


@pytest.fixture
def client(contract_server):
    with Molmo2(contract_server.url, media="path", retries=0) as client:
        yield client


@pytest.fixture
def output(tmp_path):
    return tmp_path / "answers.jsonl"


def label(clips, client, output, operations=OPERATIONS, **settings):
    return label_folder(clips, operations, client=client, output=output, **settings)


def lines(output):
    return sorted(json.loads(line)["video"] for line in output.read_text().splitlines())


def test_videos_are_found_in_folders_and_whatever_the_case_of_their_suffix(clips):
    assert [path.as_posix() for path in find_videos(clips)] == VIDEOS


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(NotADirectoryError, match="no such folder"):
        find_videos(tmp_path / "nothing")


def test_a_folder_without_a_video_is_refused(client, output, tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"no video in it; looked for .*\.mp4"):
        label_folder(tmp_path, ["embed"], client=client, output=output)
    assert not output.exists()


def test_every_video_is_a_line_with_the_response(clips, client, output, contract_server):
    summary = label(clips, client, output)

    answers = list(read_answers(output))
    assert (summary.samples, summary.labelled, summary.failed) == (5, 5, 0)
    assert lines(output) == VIDEOS
    for answer in answers:
        name = Path(answer.video).name
        assert answer.response == contract_server.responses[name, 0.0, None]
        assert [each.operation for each in answer.operations] == ["pointing", "embed"]


def test_one_operation_needs_no_list(clips, client, output):
    label(clips, client, output, {"operation": "describe", "prompt": "What?"})
    label(clips, client, output, "embed", overwrite=True)

    assert {str(answer.operations[0].operation) for answer in read_answers(output)} == {"embed"}


def test_two_questions_of_a_kind_are_both_answered_and_kept(clips, client, output):
    asked = [{"operation": "describe", "prompt": prompt} for prompt in ("A", "B")]
    label(clips, client, output, asked)
    summary = label(clips, client, output, asked)

    assert summary.finished == 5
    for answer in read_answers(output):
        assert [operation.prompt for operation in answer.operations] == ["A", "B"]
        assert len(answer.response.results) == 2


def test_frames_are_sampled_as_asked_and_another_sampling_is_another_question(
    clips, client, output, contract_server
):
    label(clips, client, output, max_frames=3)
    assert label(clips, client, output, max_frames=3).finished == 5
    with pytest.raises(AnswerFileError, match="answers to other questions"):
        label(clips, client, output)

    for answer in read_answers(output):
        assert answer.sampling == {"max_frames": 3}
    assert {request.video.max_frames for request in contract_server.requests} == {3}
    assert len(contract_server.asked) == 5


def test_a_sampling_out_of_bounds_is_refused_before_anything_is_written(clips, client, output):
    with pytest.raises(InvalidRequest, match=r"video\.max_frames"):
        label(clips, client, output, max_frames=1)

    assert not output.exists()


def test_a_second_call_asks_nothing(clips, client, output, contract_server):
    label(clips, client, output)
    before = output.read_bytes()

    summary = label(clips, client, output)

    assert (summary.finished, summary.labelled) == (5, 0)
    assert len(contract_server.asked) == 5
    assert output.read_bytes() == before


def test_a_failed_video_is_a_line_with_the_error_and_is_asked_again(
    clips, client, output, contract_server
):
    contract_server.failing = {"b.mp4"}
    first = label(clips, client, output)
    kinds = [answer.error.kind for answer in read_answers(output) if answer.error]
    contract_server.failing = set()

    second = label(clips, client, output)

    assert (first.failed, kinds) == (1, ["video_unreadable"])
    assert (second.finished, second.labelled) == (4, 1)
    assert contract_server.asked[5:] == ["b.mp4"]
    assert lines(output) == VIDEOS


def test_a_line_that_was_cut_off_is_asked_again(clips, client, output, contract_server):
    label(clips, client, output)
    output.write_bytes(output.read_bytes()[:-9])

    label(clips, client, output)

    assert len(contract_server.asked) == 6
    assert lines(output) == VIDEOS


def test_other_questions_are_refused_and_the_file_stays(clips, client, output, contract_server):
    label(clips, client, output)
    before = output.read_bytes()

    with pytest.raises(AnswerFileError, match="answers to other questions"):
        label(clips, client, output, [Embed()])

    assert output.read_bytes() == before
    assert sorted(path.name for path in output.parent.iterdir()) == ["answers.jsonl"]
    assert len(contract_server.asked) == 5


def test_other_questions_replace_the_file_where_asked_for(clips, client, output):
    label(clips, client, output)

    label(clips, client, output, [Embed()], overwrite=True)

    assert {len(answer.operations) for answer in read_answers(output)} == {1}
    assert lines(output) == VIDEOS


def test_a_file_of_something_else_is_refused_and_stays(clips, client, output, contract_server):
    output.write_text('{"id": 1}\n')

    with pytest.raises(AnswerFileError, match=r"line 1: no answer .*another file"):
        label(clips, client, output)

    assert (output.read_text(), contract_server.asked) == ('{"id": 1}\n', [])


def test_two_cannot_write_the_same_file(clips, client, output):
    def meanwhile(done, total):
        if done == 0:
            with pytest.raises(AnswerFileError, match="written by another"):
                label(clips, client, output)

    assert label(clips, client, output, progress=meanwhile).labelled == 5


def test_a_name_that_is_no_text_is_written_and_read(clips, client, output, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "\udcff.mp4").write_bytes((clips / "a.mp4").read_bytes())

    label(folder, client, output)
    summary = label(folder, client, output)

    assert [answer.video for answer in read_answers(output)] == ["\udcff.mp4"]
    assert summary.samples == 1


def test_wrong_operations_are_refused_before_anything_is_written(clips, client, output):
    with pytest.raises(InvalidRequest, match="prompt"):
        label(clips, client, output, ["pointing"])

    assert not output.exists()


@pytest.mark.parametrize("stop_after", [1, 3])
def test_ctrl_c_keeps_what_was_answered(clips, client, output, contract_server, stop_after):
    def interrupt(done, total):
        if done == stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label(clips, client, output, concurrency=1, progress=interrupt)
    kept = len(lines(output))

    summary = label(clips, client, output)

    assert kept >= stop_after
    assert (summary.finished, summary.labelled) == (kept, 5 - kept)
    assert lines(output) == VIDEOS


def test_progress_and_a_number_of_videos(clips, client, output):
    told = []

    summary = label(
        clips, client, output, max_videos=2, progress=lambda *counts: told.append(counts)
    )

    assert summary.samples == 2
    assert told == [(0, 2), (1, 2), (2, 2)]
