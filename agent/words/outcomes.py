"""How a deploy ends on a host, and why it is taken back. Their values stand in journals and in the history."""

from __future__ import annotations

from enum import Enum


class Outcome(str, Enum):
    """How a deploy has ended on a host, the best first."""

    COMMITTED = "committed"
    REFUSED = "refused"
    FELL_BACK = "fell back"
    FALLING_BACK = "still falling back"
    NEEDS_A_PERSON = "needs a person"
    # What a controller makes of a host that has not told how it ended; no host writes it.
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value


class Cause(str, Enum):
    """Whose doing it is that a deploy falls back on a host."""

    ITSELF = "itself"
    ANOTHER_HOST = "another host"
    PERSON = "a person"

    def __str__(self) -> str:
        return self.value


# After these nothing is left to be done on the host.
OVER = (Outcome.COMMITTED, Outcome.REFUSED, Outcome.FELL_BACK)


class Refused(Exception):
    """What was asked for can't be done, and nothing was changed."""
