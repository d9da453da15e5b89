"""How long something took, as a person reads it. Pure."""

from __future__ import annotations

# Below so many seconds a tenth of one still says something.
SHORT = 10


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
