"""How a run ends, and the exit code that says so: the one place that maps one to the other."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Ended(str, Enum):
    """How a run has ended, on a host or on all of them; the best first. Those that a host says are its own words."""

    # Nothing was begun, or nothing more than looked at.
    NOTHING_TO_DO = "nothing to do"
    WOULD_CHANGE = "would change"
    READY = "ready"
    # Of a run that is no transaction: it has done all that it was for.
    DONE = "done"
    COMMITTED = "committed"
    NOT_READY = "not ready"
    REFUSED = "refused"
    STOPPED = "stopped"
    # Of a run that is no transaction, and of one that has met an error of its own before it had begun.
    FAILED = "failed"
    FELL_BACK = "fell back"
    FALLING_BACK = "still falling back"
    NEEDS_A_PERSON = "needs a person"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value

    @property
    def exit_code(self) -> int:
        """What a process ends with whose run has ended so."""
        return EXIT_CODES[self]


# The variable of the environment that has pyinfra's process end with that; without it, it ends with 0 or 1.
ASKED_FOR = "SWITCHBACK_EXIT_CODES"
# Which pyinfra's own process has for a run that was stopped before it had begun, too: as a shell reports Ctrl-C.
STOPPED = 130
# Under detailed_exitcode.
CHANGES = 2
EXIT_CODES = {
    Ended.NOTHING_TO_DO: 0,
    Ended.WOULD_CHANGE: 0,
    Ended.READY: 0,
    Ended.DONE: 0,
    Ended.COMMITTED: 0,
    Ended.NOT_READY: 10,
    Ended.REFUSED: 10,
    Ended.STOPPED: STOPPED,
    Ended.FAILED: 1,
    Ended.FELL_BACK: 20,
    Ended.FALLING_BACK: 30,
    Ended.NEEDS_A_PERSON: 30,
    Ended.UNKNOWN: 30,
}


def worst(all_of: Iterable[Ended]) -> Ended:
    """How a run has ended on all of its hosts: as on the one where it went worst."""
    return max(all_of, key=list(Ended).index)
