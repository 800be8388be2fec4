"""How many workers a model is to have, whoever said so and whatever TorchServe lost since."""

import pytest

from molmo2_ops.wanted_workers import FILE, WantedWorkers


@pytest.fixture
def watching(tmp_path):
    """Another process that watches the same TorchServe, or one of another identity."""
    return lambda torchserve="1 since 100": WantedWorkers(tmp_path, lambda: torchserve)


@pytest.fixture
def wanted(watching):
    wanted = watching()
    wanted.look("m", 4)
    return wanted


def lose_one(wanted):
    """The watchdog has one more started beside one that is lost and stays listed."""
    wanted.asking("m", 5)
    wanted.heard("m", 5)
    wanted.look("m", 5)


def test_what_a_model_had_when_it_was_first_seen_is_wanted(wanted):
    assert wanted.of("m") == 4
    assert wanted.of("never seen") == 0


def test_what_we_asked_for_beside_lost_ones_is_not_wanted(wanted):
    lose_one(wanted)
    assert wanted.of("m") == 4


@pytest.mark.parametrize("workers", [0, 2, 8])
def test_what_somebody_else_asks_for_is_wanted(wanted, workers):
    lose_one(wanted)
    wanted.look("m", workers)
    assert wanted.of("m") == workers


def test_what_we_asked_for_without_an_answer_is_nobody_elses_wish(wanted):
    wanted.asking("m", 0)  # applied, and the answer was lost
    wanted.look("m", 0)
    assert wanted.of("m") == 4
    wanted.asking("m", 4)  # not applied at first
    wanted.look("m", 0)
    wanted.look("m", 4)
    assert wanted.of("m") == 4


def test_who_goes_on_watching_the_same_torchserve_knows_what_is_wanted(wanted, watching):
    lose_one(wanted)
    again = watching()
    again.look("m", 5)
    assert again.of("m") == 4


def test_what_was_asked_for_before_a_restart_and_heard_after_it_is_known(wanted, watching):
    wanted.asking("m", 5)
    again = watching()
    again.look("m", 5)
    assert again.of("m") == 4


def test_what_somebody_set_while_nobody_watched_is_wanted(wanted, watching):
    lose_one(wanted)
    again = watching()
    again.look("m", 3)
    assert again.of("m") == 3


def test_another_torchserve_begins_anew(wanted, watching):
    lose_one(wanted)
    other = watching("2 since 200")
    other.look("m", 5)
    assert other.of("m") == 5


def test_a_file_that_is_no_whole_one_is_not_believed(tmp_path, wanted, watching):
    (tmp_path / FILE).write_text('{"torchserve": "1 since 100", "mod')
    again = watching()
    again.look("m", 5)
    assert again.of("m") == 5
