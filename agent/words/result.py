"""The last that the agent says in a call that changes something: how the call has ended."""

# No `from __future__ import annotations`: see shapes.

from collections.abc import Sequence
from typing import Optional

from agent.inside.lean import dataclass
from agent.words.outcomes import Outcome
from agent.words.shapes import Unreadable, from_elsewhere, to_json

SCHEMA = 2
# What such a line begins with. Whatever else the agent prints has such characters written out (`agent.text.lines`), so
# nobody whose output it repeats can say this.
MARK = "\x1e"


@dataclass(frozen=True)
class StepTold:
    """A step that has ended well, how long that took, and what was said of it."""

    name: str
    seconds: float
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """How a call has ended.

    + ok: whether the call has done what it was asked for
    + outcome: how the deploy has ended; None while it goes on
    + sentence: what the site is like now; reason: what went wrong, with the output that goes with it
    + warnings, told, cost: what else a person reads at the end: warnings, what was decided and waited for, what the run
      has cost; all of the run so far
    + steps: those that have ended well so far
    + evidence: whether the sentence says where the evidence is
    + failed: the step that has failed, or during which it ended
    + followed: whether it falls back only because another host has failed
    + interrupted: whether it falls back because a person has asked for that
    + code: the exit code of a program that was to be run
    + database_back: whether the host is back where it was, and its database with it
    """

    ok: bool
    outcome: Optional[Outcome] = None
    sentence: str = ""
    reason: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    evidence: bool = False
    failed: Optional[str] = None
    followed: bool = False
    interrupted: bool = False
    database_back: bool = False
    steps: tuple[StepTold, ...] = ()
    code: Optional[int] = None
    schema: int = SCHEMA


def framed(result: Result) -> str:
    """The line that a result travels as."""
    return MARK + to_json(result)


def is_framed(line: str) -> bool:
    """Whether a line is a result, and none that a person is to read."""
    return line.startswith(MARK)


def read_result(said: Sequence[str]) -> Optional[Result]:
    """The result at the end of what an agent has said; None where it was cut off, or speaks another version of this."""
    if not said or not is_framed(said[-1]):
        return None
    try:
        result = from_elsewhere(Result, said[-1][len(MARK) :])
    except Unreadable:
        return None
    return result if result.schema == SCHEMA else None
