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
    FOLLOWS = "follows the primary host"
    HAS_DECIDED = "has decided already"


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
        if step == "commit" or self.run.primary in (self.run.host, *self.gone):
            return Move.FALLS_BACK
        return Move.WAITS

    def at_decision(self) -> Move:
        """When the primary host commits for all."""
        return Move.FOLLOWS if self.run.primary not in (self.run.host, *self.gone) else self.at("commit")

    def at_following(self, has_committed: Callable[[], bool]) -> Move:
        """When the others do as the primary host has decided.

        + has_committed: whether it has, asked where it was lost as it decided
        """
        if self.run.host == self.run.primary:
            return Move.HAS_DECIDED
        # Alone among the lost, it was lost as it decided: before that, this host would have fallen back.
        if self.gone == (self.run.primary,) and has_committed():
            return Move.GOES_ON
        return self.at("commit")

    def reason(self, has_followed: Callable[[str], bool]) -> str:
        """Why this host falls back.

        + has_followed: whether a host has not failed itself, and fell back because another one has
        """
        failed = [name for name in self.gone if not has_followed(name)]
        return f"{', '.join(failed or self.gone)} failed, and a deploy commits on all hosts or on none"
