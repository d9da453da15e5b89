"""Where the hosts of a run wait for each other: all of them commit, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from switchback.runs.run import Run


class Move(Enum):
    """What a host does when a step comes, of what has become of the others; for one that does nothing, why."""

    GOES_ON = "goes on"
    FALLS_BACK = "falls back"
    WAITS = "waits for the primary host to take the database back first"


@dataclass(frozen=True)
class Barrier:
    """A host of a run, and what has become of the others.

    + run: what the run does on this host
    + gone: the other hosts that have failed or were lost by now
    """

    run: Run
    gone: tuple[str, ...]

    @classmethod
    def of(cls, run: Run, failed: Iterable[str]) -> Barrier:
        """The same, of all hosts that have failed, whoever's they are."""
        return cls(run, tuple(sorted(set(failed) & set(run.hosts) - {run.host})))

    def at(self, step: str) -> Move:
        """At a step that each host does for itself. The way back begins on the primary host, which has the database."""
        if not self.gone:
            return Move.GOES_ON
        return Move.FALLS_BACK if self.run.primary in (self.run.host, *self.gone) else Move.WAITS

    def at_commit(self, have_heard: Callable[[], bool]) -> Move:
        """When all have been told that all are well.

        + have_heard: whether those that were lost as they were told have heard it after all
        """
        return Move.GOES_ON if not self.gone or have_heard() else Move.FALLS_BACK

    def reason(self, has_followed: Callable[[str], bool]) -> str:
        """Why this host falls back.

        + has_followed: whether a host has not failed itself, and fell back because another one has
        """
        failed = [name for name in self.gone if not has_followed(name)]
        return f"{', '.join(failed or self.gone)} failed, and a deploy commits on all hosts or on none"
