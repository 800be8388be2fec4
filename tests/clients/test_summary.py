from molmo2_client import VideoNotFound, VideoUnreadable
from molmo2_client.summary import MAX_FAILURES, LabelSummary

GONE = VideoNotFound("no file a.mp4").to_wire()


def test_a_summary_reads_as_a_small_table():
    summary = LabelSummary(samples=12, finished=2, seconds=3.21)
    for number in range(9):
        status = "empty" if number == 3 else "ok"
        outcomes = [("pointing", status, None), ("temporal_localization", "ok", None)]
        summary.count(str(number), outcomes, variable_frame_rate=number < 2)
    outcomes = [("pointing", "error", GONE), ("temporal_localization", "error", GONE)]
    summary.count("9", outcomes, variable_frame_rate=False)

    assert str(summary).splitlines() == [
        "12 videos: 9 labelled, 2 finished before, 1 with errors, in 3.2 s",
        "  pointing                  8 ok     1 empty     1 error",
        "  temporal_localization     9 ok     0 empty     1 error",
        "  2 × video_not_found, e.g. no file a.mp4",
        "  2 with a variable frame rate: labels are on the right frames, and players that assume a"
        " constant",
        "  rate show them beside these; fiftyone.utils.video.reencode_videos makes it constant",
    ]


def test_nothing_to_do_is_one_line():
    assert str(LabelSummary(samples=2, finished=2)) == (
        "2 videos: 0 labelled, 2 finished before, 0 with errors, in 0.0 s"
    )


def test_only_the_first_failures_are_named_and_all_are_counted():
    summary = LabelSummary(samples=50, finished=0)
    for number in range(50):
        summary.count(str(number), [("embed", "error", GONE)], variable_frame_rate=False)

    assert (summary.failed, len(summary.failures)) == (50, MAX_FAILURES)
    assert "50 error" in str(summary)
    assert "50 × video_not_found, e.g. no file a.mp4" in str(summary)


def test_a_kind_that_comes_late_is_counted_too():
    summary = LabelSummary(samples=50, finished=0)
    damaged = VideoUnreadable("no video").to_wire()
    for number in range(50):
        error = GONE if number < 40 else damaged
        summary.count(str(number), [("embed", "error", error)], variable_frame_rate=False)

    assert summary.notes() == [
        "40 × video_not_found, e.g. no file a.mp4",
        "10 × video_unreadable, e.g. no video",
    ]
