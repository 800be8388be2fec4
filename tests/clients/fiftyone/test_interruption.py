"""Ctrl-C loses nothing that was received, and the next call repeats nothing that was finished."""

import json
import signal
import subprocess
import sys
import textwrap
import threading

import fiftyone as fo
import pytest

from molmo2_client.fiftyone import label_dataset

SCRIPT = """
    import json, os, sys, threading, types
    import fiftyone as fo
    from molmo2_contract.response import ModelInfo, RequestTiming, Response
    from molmo2_contract.results import DescribeResult
    from molmo2_contract.video import Sampled, VideoInfo
    from molmo2_client.fiftyone import label_dataset

    FACTS = VideoInfo(width=64, height=48, duration=2, frame_rate=10, frame_count=20,
                      variable_frame_rate=False, sampled=Sampled(times=[0.0], frames=[1]))

    class Client:
        answered = 0

        def ask(self, video, operations, *, timeout):
            if Client.answered == 3:
                print("waiting", flush=True)
                threading.Event().wait()  # a server that never answers
            Client.answered += 1
            return Response(
                model=ModelInfo(name="demo", version="1.0", checkpoint="demo"), video=FACTS,
                results=[DescribeResult(status="ok", text="a grey clip")],
                timing=RequestTiming(plan=0, decode=0, engine=0, total=0), request_id="r")

    dataset = fo.load_dataset(sys.argv[1])
    try:
        label_dataset(dataset, [{"operation": "describe", "prompt": "What is it?"}],
                      client=Client(), concurrency=1, progress=False)
    except KeyboardInterrupt:
        print(json.dumps({"torch": "torch" in sys.modules}), flush=True)
"""


def test_ctrl_c_keeps_what_was_answered_and_ends_without_waiting(make_dataset, answerer):
    dataset = make_dataset(6)
    dataset.persistent = True
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), dataset.name],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)

    assert process.returncode == 0
    assert json.loads(output) == {"torch": False}
    dataset.reload()
    assert dataset.values("molmo2_description") == ["a grey clip"] * 3 + [None] * 3
    assert dataset.values("molmo2_run.status") == ["ok"] * 3 + [None] * 3

    summary = label_dataset(
        dataset,
        [{"operation": "describe", "prompt": "What is it?"}],
        client=answerer,
        progress=False,
    )
    assert (summary.finished, summary.labelled) == (3, 3)
    assert [name for name, _ in answerer.asked] == ["03.mp4", "04.mp4", "05.mp4"]


@pytest.mark.parametrize("stop_after", [1, 7, 11])
def test_an_interrupt_from_the_progress_function_keeps_every_answer(
    make_dataset, answerer, stop_after
):
    dataset = make_dataset(12)
    answered = []
    release = threading.Event()

    def meanwhile(name):
        if len(answered) >= stop_after:
            release.wait(120)
        answered.append(name)

    def interrupt(bar):
        if bar.iteration == stop_after:
            raise KeyboardInterrupt

    answerer.meanwhile = meanwhile
    with pytest.raises(KeyboardInterrupt):
        label_dataset(dataset, ["embed"], client=answerer, concurrency=1, progress=interrupt)
    kept = dataset.count("molmo2_run.status")
    release.set()
    answerer.meanwhile = lambda name: None
    summary = label_dataset(dataset, ["embed"], client=answerer, progress=False)

    assert kept == stop_after
    assert (summary.finished, summary.labelled) == (stop_after, 12 - stop_after)


def test_the_public_names_bring_in_no_torch():
    names = "label_dataset, LabelSummary, Asks, FieldClash"
    script = (
        f"from molmo2_client.fiftyone import {names}; import sys; print('torch' in sys.modules)"
    )

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert run.stdout == "False\n"


def test_importing_the_package_does_not_import_fiftyone():
    script = "import molmo2_client.fiftyone.database, sys; print('fiftyone' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert run.stdout == "False\n"
    assert fo is sys.modules["fiftyone"]
