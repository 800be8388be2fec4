"""What the demo prints."""

import io
import random

import pytest
from rich.console import Console

from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.results import Position
from molmo2_demo.answers import Answers
from molmo2_demo.generate import operations
from molmo2_demo.outcome import Outcome, VideoOutcome
from molmo2_demo.report import model_card_figures, print_report
from molmo2_demo.scene import draw_scene
from molmo2_demo.truth import Truth
from molmo2_demo.video_format import FORMATS


@pytest.fixture
def outcome():
    """One video: the point is right, half of the track too, and one operation failed."""
    scene = draw_scene(random.Random(1), duration=2.0, shape_count=1)
    prompt = scene.shapes[0].name
    truth = Truth.of("00.mp4", scene, FORMATS[0], prompt, operations(prompt))
    (track,) = truth.tracks
    right = [Position(**vars(point)) for point in track.points]
    answers = Answers(
        statuses=dict.fromkeys(OPERATION_NAMES, "ok") | {"embed": "error"},
        texts={"describe": "It [moves].", "temporal_localization": "[]", "comprehensive": "{}"},
        points=right[:1],
        tracks=[right[:2]],
    )
    return Outcome("molmo2-demo", [VideoOutcome("http", truth, answers)], seconds=12.34)


def test_the_summary_has_every_number(outcome):
    assert outcome.summary() == {
        "videos": 1,
        "results": 5,
        "errors": 1,
        "http": 5,
        "grpc": 0,
        "json_valid": 1.0,
        "point_hit_rate": 1.0,
        "track_hit_rate": 0.4,
        "seconds": 12.3,
        "dataset": "molmo2-demo",
    }


def test_an_operation_without_a_record_is_an_error(outcome):
    del outcome.videos[0].answers.statuses["tracking"]

    assert (outcome.results, outcome.errors) == (4, 2)


def test_the_report_shows_what_was_asked_found_and_how_well(outcome):
    printed = io.StringIO()
    print_report(outcome, Console(file=printed, width=140))

    text = printed.getvalue()
    assert "640×360, 30 fps" in text
    assert outcome.videos[0].truth.prompt in text
    assert "1 of 1" in text
    assert "2 of 5" in text
    assert "It [moves]." in text
    assert "1 error" in text
    assert "In this run 1 of 1 points and 2 of 5 positions of tracks" in " ".join(text.split())


def test_the_model_cards_figures_are_found():
    figures = model_card_figures()

    assert "| points | positions of tracks |" in figures
    assert "##" not in figures
