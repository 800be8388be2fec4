"""Seconds from the many ways in which a time is written."""

import math
import re

# "12", "12.5", "01:05", "00:01:02.5", each with or without "s", "sec" or "seconds".
_CLOCK = re.compile(
    r"(?:(?:(?P<hours>\d{1,4}):)?(?P<minutes>\d{1,4}):)?(?P<seconds>\d{1,9}(?:\.\d{1,9})?)"
    r"\s*(?:s|secs?|seconds?)?",
    re.ASCII | re.IGNORECASE,
)
# "1m30s", "1 h 2 min", "2 minutes 5 seconds".
_UNITS = re.compile(
    r"(?:(?P<hours>\d{1,4})\s*(?:h|hrs?|hours?)\s*)?"
    r"(?:(?P<minutes>\d{1,4})\s*(?:m|mins?|minutes?)\s*)?"
    r"(?:(?P<seconds>\d{1,9}(?:\.\d{1,9})?)\s*(?:s|secs?|seconds?))?",
    re.ASCII | re.IGNORECASE,
)


def parse_seconds(value: object) -> float | None:
    """Seconds from a number or a text, or None for what is no time.

    A number, and a text without a colon, counts seconds. A text with colons is ``mm:ss`` or
    ``hh:mm:ss``, the seconds with or without decimals, and what follows a colon stays below 60.
    Negative, infinite and truth values are no times.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _checked_number(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if clock := _CLOCK.fullmatch(text):
        return _clock_seconds(clock)
    units = _UNITS.fullmatch(text)
    return _sum(units) if units and text else None


def _checked_number(value: int | float) -> float | None:
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _clock_seconds(clock: re.Match[str]) -> float | None:
    if clock["minutes"] and float(clock["seconds"]) >= 60:
        return None
    if clock["hours"] and int(clock["minutes"]) >= 60:
        return None
    return _sum(clock)


def _sum(parts: re.Match[str]) -> float:
    hours, minutes = int(parts["hours"] or 0), int(parts["minutes"] or 0)
    return hours * 3600 + minutes * 60 + float(parts["seconds"] or 0)
