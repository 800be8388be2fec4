"""A row of the table is refused where a fault cost what it must not."""

import pytest
from fault_table import HEAD, RECOVERY, Row, write
from holdings import Holdings

GOOD = {"fault": "a fault", "victim": "`internal`", "answered": 4, "longest": 0.5, "whole": 9.9}
BEFORE = Holdings(9, 300, 100, frozenset({"key_file.json", "workers/1"}), lost_workers=0)


def test_a_good_row_has_a_column_for_wrong_and_missing_answers():
    row = Row(**GOOD)
    row.check()
    assert str(row) == "| a fault | `internal` | 0.0 s | 4, 0, 0; 0.5 s | 9.9 s | nothing |"
    assert str(row).count("|") == HEAD.splitlines()[-1].count("|")


@pytest.mark.parametrize(
    "cost",
    [
        {"wrong": 1},
        {"missing": ["http: overloaded"]},
        {"answered": 0},
        {"whole": RECOVERY + 0.1},
        {"left": "1 processes"},
    ],
)
def test_what_a_fault_must_not_cost_fails_its_row(cost):
    with pytest.raises(AssertionError, match="a fault"):
        Row(**{**GOOD, **cost}).check()


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Holdings(10, 300, 100, BEFORE.files, 0), "1 processes"),
        (Holdings(9, 325, 100, BEFORE.files, 0), "25 descriptors"),
        (Holdings(9, 300, 125, BEFORE.files, 0), "25 sockets"),
        (Holdings(9, 300, 100, BEFORE.files, 1), "1 lost workers"),
        (Holdings(9, 300, 100, BEFORE.files | {"x.part"}, 0), "1 files of ['x.part']"),
        (Holdings(9, 310, 90, frozenset({"key_file.json", "workers/2"}), 0), ""),
    ],
)
def test_what_is_held_beyond_before_is_named(now, told):
    assert now.beyond(BEFORE) == told


def test_what_a_fault_may_leave_is_not_told():
    now = Holdings(9, 300, 100, BEFORE.files | {"x.engine"}, lost_workers=1)
    assert now.beyond(BEFORE.with_more(lost_workers=1, files=1)) == ""


def test_the_page_says_which_settings_differ(tmp_path):
    write([Row(**GOOD)], tmp_path / "faults.md", workers=5, places=3, differences=["`a` is 1"])
    page = (tmp_path / "faults.md").read_text()
    assert "5 workers,\n3 places to wait), but for these:\n\n* `a` is 1\n" in page
    assert page.endswith("| nothing |\n")
