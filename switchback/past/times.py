"""Times as a person reads them: when something was, how long ago, and how long it took."""

from __future__ import annotations

import time

UNITS = ((" day", 86400), (" h", 3600), (" min", 60))
# Below so many seconds a tenth of one still says something.
SHORT = 10


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


def duration(seconds: float) -> str:
    """How long something took.

    >>> duration(0), duration(5.77), duration(36.9), duration(200), duration(7500)
    ('0 s', '5.8 s', '37 s', '3 min 20 s', '2 h 5 min')
    """
    if round(seconds, 1) < SHORT:
        return f"{seconds:.1f} s" if round(seconds, 1) else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
