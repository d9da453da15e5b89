"""What the agent says to the controller alone: what the host is at, and at last how the call has ended."""

# No `from __future__ import annotations`: see shapes.

from collections.abc import Sequence
from typing import Optional

from agent.inside.lean import dataclass
from agent.words.history import Cost, Record
from agent.words.outcomes import Outcome
from agent.words.shapes import Unreadable, from_elsewhere, to_json

SCHEMA = 2
# What such a line begins with. Whatever else the agent prints has such characters written out (`agent.text.lines`), so
# nobody whose output it repeats can say this.
MARK = "\x1e"
# The same of what is told while a call goes on: who starts a call takes the other one for its end.
NEWS = "\x1d"


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
    + sentence: how it has ended, and what the site is like now; state: the latter alone, less what is told beside it
    + reason: what went wrong, with the output that goes with it; undone: what of the run was taken back
    + warnings, told: what else a person reads at the end: warnings, what was decided and waited for; all so far
    + spent: what the run has cost; seconds: how long it took; backup: the one that it has made
    + steps: those that have ended well so far
    + evidence: whether the host keeps what shows why
    + failed: the step that has failed, or during which it ended
    + followed: whether it falls back only because another host has failed
    + interrupted: whether it falls back because a person has asked for that
    + code: the exit code of a program that was to be run
    + database_back: whether the host is back where it was, and its database with it
    + record: the run's, where that was asked for and it has ended
    """

    ok: bool
    outcome: Optional[Outcome] = None
    sentence: str = ""
    reason: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    evidence: bool = False
    failed: Optional[str] = None
    followed: bool = False
    interrupted: bool = False
    database_back: bool = False
    steps: tuple[StepTold, ...] = ()
    code: Optional[int] = None
    state: str = ""
    undone: tuple[str, ...] = ()
    spent: Optional[Cost] = None
    seconds: float = 0.0
    backup: Optional[str] = None
    record: Optional[Record] = None
    schema: int = SCHEMA


@dataclass(frozen=True)
class News:
    """What a host is at, told while that goes on.

    + step: the step, or what is undone; back: whether that is on the way back
    + seconds: for how long by now; line: the last that it has printed
    """

    step: str = ""
    back: bool = False
    seconds: float = 0.0
    line: str = ""


def framed_news(news: News) -> str:
    """The line that news travel as."""
    return NEWS + to_json(news)


def read_news(line: str) -> Optional[News]:
    """The news of a line; None where it is none, or of another version of this."""
    if not line.startswith(NEWS):
        return None
    try:
        return from_elsewhere(News, line[len(NEWS) :])
    except Unreadable:
        return None


def framed(result: Result) -> str:
    """The line that a result travels as."""
    return MARK + to_json(result)


def is_framed(line: str) -> bool:
    """Whether a line is for the controller, and none that a person is to read."""
    return line.startswith((MARK, NEWS))


def read_result(said: Sequence[str]) -> Optional[Result]:
    """The result at the end of what an agent has said; None where it was cut off, or speaks another version of this."""
    if not said or not said[-1].startswith(MARK):
        return None
    try:
        result = from_elsewhere(Result, said[-1][len(MARK) :])
    except Unreadable:
        return None
    return result if result.schema == SCHEMA else None
