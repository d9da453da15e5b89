"""Times as a person reads them: when something was, and how long ago."""

from __future__ import annotations

import time

UNITS = ((" day", 86400), (" h", 3600), (" min", 60))


def when(at: float) -> str:
    """A time of the day, UTC."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def age(seconds: float) -> str:
    """How long ago something was, in the largest unit that fits."""
    for unit, length in UNITS:
        number = int(seconds // length)
        if number > 0:
            return f"{number}{unit}{'s' if unit == ' day' and number > 1 else ''}"
    return "just now"


def ago(seconds: float) -> str:
    """The same as it stands behind a time."""
    told = age(seconds)
    return told if told == "just now" else f"{told} ago"
