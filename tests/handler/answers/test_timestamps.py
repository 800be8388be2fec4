from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_handler.answers.timestamps import parse_seconds


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("00:00", 0.0),
        ("01:05", 65.0),
        ("1:5", 65.0),
        ("01:05.5", 65.5),
        ("90:00", 5400.0),
        ("00:01:02", 62.0),
        ("01:01:02.5", 3662.5),
        ("12.5", 12.5),
        ("12", 12.0),
        (" 12 ", 12.0),
        (12, 12.0),
        (12.5, 12.5),
        (0, 0.0),
        ("12s", 12.0),
        ("12.5 seconds", 12.5),
        ("00:05s", 5.0),
        ("1m30s", 90.0),
        ("1 min 30 sec", 90.0),
        ("2 minutes", 120.0),
        ("1h2m3s", 3723.0),
    ],
)
def test_a_time_is_read_in_seconds(written: Any, seconds: float):
    assert parse_seconds(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *(None, "", " ", "abc", "01:ab", ".", "1.2.3", "2.00.00", ":", "5:", ":5", "1:2:3:4"),
        *("-1", -1, -0.5, "-00:05", "3 - 5", "00:01-00:05", "00:75", "00:61:00", "s", "m"),
        *(True, False, float("nan"), float("inf"), 10**400, "9" * 400, "NaN", "1e3"),
        *([], {}, ["00:01"], "mm:ss", "٣"),
    ],
)
def test_what_is_no_time_is_none_and_never_zero(written: Any):
    assert parse_seconds(written) is None


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_every_clock_time_is_read(hours: int, minutes: int, seconds: int):
    expected = hours * 3600 + minutes * 60 + seconds
    assert parse_seconds(f"{hours:02}:{minutes:02}:{seconds:02}") == expected
    assert parse_seconds(f"{hours * 60 + minutes:02}:{seconds:02}") == expected


@given(st.one_of(st.text(), st.floats(), st.integers(), st.text("0123456789:.hms -")))
def test_whatever_is_written_gives_a_finite_time_or_none(written: str | float):
    seconds = parse_seconds(written)
    assert seconds is None or 0 <= seconds < float("inf")
