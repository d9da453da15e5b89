"""The lines of a deploy's journal, as they stand on disk, each with what it says."""

# No `from __future__ import annotations`: see shapes.

import json
from dataclasses import field
from typing import ClassVar, Optional

from agent.inside.lean import dataclass
from agent.words.notes import Page
from agent.words.outcomes import Cause, Outcome
from agent.words.seen import RestartMode
from agent.words.settings import Settings
from agent.words.shapes import OLD_NAME, Unreadable, bare, read


class JournalUnreadable(Unreadable):
    """A journal says what nobody can read, and what a person can do about it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}. Nothing is taken back by itself, and the host stays held. Next: put that line right on the host, "
            "or take it out, then deploys/recover.py"
        )


# A note as it stands there: whoever asks for it knows its shape.
Written = dict[str, object]


class Event:
    """What a line says, and by which name."""

    event: ClassVar[str]


@dataclass(frozen=True)
class Commit:
    """A commit, and the ref that it was asked for by."""

    ref: str
    sha: str


@dataclass(frozen=True)
class Intent:
    """What a run sets out to do on a host, as the controller asks for it.

    + kind: deploy, build, revert, restart or clean; by: who runs it, as they call themselves; login: as whom, and where
      from; agent: the one that is to do it
    + hosts: all that take part; host: this one's name; primary: whether it is the one that migrates and backs up
    + single: whether this is the one of the whole inventory that has what runs on one of all hosts
    + version: where it goes; was: what is live before it; bare: whether nothing is; steps: what it does, in order
    + code, config: the commits that the version is built of
    + irreversible: refuse or accept migrations that can't be reversed; provisioned: whether the backup script is ours
    + hotfixes: refuse or discard what was changed by hand
    + database: what a revert does with it: keep, reverse or restore; backup: the one that it restores
    """

    kind: str
    settings: Settings
    by: str = "somebody"
    agent: str = ""
    hosts: tuple[str, ...] = ()
    primary: bool = True
    version: str = ""
    was: Optional[str] = None
    bare: bool = False
    steps: tuple[str, ...] = ()
    code: Optional[Commit] = None
    config: Optional[Commit] = None
    irreversible: str = "refuse"
    provisioned: bool = False
    hotfixes: str = "refuse"
    database: str = "keep"
    backup: Optional[str] = None
    single: bool = True
    login: str = ""
    host: str = ""


@dataclass(frozen=True)
class Begin(Intent, Event):
    """What a run has begun with: what it was asked for, and what the host was like.

    + boot: of the host, since when it runs; links: where each link led; has_worked: whether the version has been live
    + restart: how the service will be restarted, where the version is there already
    + ailing: what was not well, by name; healthy_before: whether the app was; None where an older agent did not look
    + site_before: what visitors got; None where an older agent did not look
    + secrets: the names of the site's that become others, each with what becomes of it
    + timed: whether anything runs at times, before it or after; None where an older agent did not look
    """

    event: ClassVar[str] = "begin"
    deploy: str = ""
    boot: str = ""
    links: dict[str, Optional[str]] = field(default_factory=dict)
    has_worked: bool = False
    restart: Optional[RestartMode] = None
    ailing: dict[str, str] = field(default_factory=dict)
    site_before: Optional[Page] = None
    healthy_before: Optional[bool] = None
    secrets: dict[str, str] = field(default_factory=dict)
    timed: Optional[bool] = None


@dataclass(frozen=True)
class StepStarted(Event):
    """A step has begun."""

    event: ClassVar[str] = "step started"
    step: str


@dataclass(frozen=True)
class StepDone(Event):
    """A step went well, after so many seconds, and what it has found out."""

    event: ClassVar[str] = "step done"
    step: str
    seconds: float = 0.0
    note: Written = field(default_factory=dict)


@dataclass(frozen=True)
class StepFailed(Event):
    """A step has failed, and why; no_lock: whether whoever held a lock in the database is to blame."""

    event: ClassVar[str] = "step failed"
    step: str
    reason: str
    no_lock: bool = False


@dataclass(frozen=True)
class StepInterrupted(Event):
    """A person has ended a step."""

    event: ClassVar[str] = "step interrupted"
    step: str
    reason: str


@dataclass(frozen=True)
class Noted(Event):
    """What was found out while a step goes on, or beside the steps."""

    event: ClassVar[str] = "note"
    step: str
    note: Written


@dataclass(frozen=True)
class RunnerStarted(Event):
    """A runner goes on with what one before it has left."""

    event: ClassVar[str] = "runner started"


@dataclass(frozen=True)
class AllWell(Event):
    """The controller has told that all hosts are well: without another word of it, this one commits."""

    event: ClassVar[str] = "all well"


@dataclass(frozen=True)
class FallsBack(Event):
    """It falls back, and why; database_is_back: whether the primary host has taken the database back already."""

    event: ClassVar[str] = "fallback"
    reason: str
    database_is_back: bool = field(default=False, metadata={OLD_NAME: "settled"})
    cause: Cause = Cause.ITSELF


@dataclass(frozen=True)
class UndoStarted(Event):
    """An undo has begun."""

    event: ClassVar[str] = "undo started"
    action: str


@dataclass(frozen=True)
class UndoDone(Event):
    """An undo went well, and what it has done or seen."""

    event: ClassVar[str] = "undo done"
    action: str
    note: Written = field(default_factory=dict)


@dataclass(frozen=True)
class UndoFailed(Event):
    """An undo has failed, and why; given_up: whether it was not even tried, since it ends whoever tries it."""

    event: ClassVar[str] = "undo failed"
    action: str
    problem: str = ""
    given_up: bool = False


@dataclass(frozen=True)
class Committed(Event):
    """It has gone well: from here on nothing is taken back; unasked: whether the controller was silent by then."""

    event: ClassVar[str] = "committed"
    unasked: bool = False


@dataclass(frozen=True)
class Ended(Event):
    """How it has ended, in a sentence; state: what of that is about the site alone; undone: what was taken back."""

    event: ClassVar[str] = "ended"
    outcome: Outcome
    sentence: str = ""
    state: str = ""
    undone: tuple[str, ...] = ()


@dataclass(frozen=True)
class HookStarted(Event):
    """What runs once a run has ended has begun: a point of the project's own."""

    event: ClassVar[str] = "hook started"
    point: str


@dataclass(frozen=True)
class HookEnded(Event):
    """It is over, after so many seconds; problem: why it went wrong, which changes nothing."""

    event: ClassVar[str] = "hook ended"
    point: str
    seconds: float = 0.0
    problem: str = ""

    @property
    def how(self) -> str:
        """The same in words."""
        return f"FAILED: {self.problem}" if self.problem else f"done in {self.seconds} s"


@dataclass(frozen=True)
class Told(Event):
    """Somebody was told how it has ended; problem: why that was given up, which changes nothing.

    + ending: which of its endings that was, from 1; name: as the settings have it
    """

    event: ClassVar[str] = "told"
    ending: int
    name: str = ""
    problem: str = ""


SHAPES = {one.event: one for one in Event.__subclasses__()}


@dataclass(frozen=True)
class Line:
    """A line: when it was written, seconds since the epoch, and what it says."""

    at: float
    says: Event


def written(line: Line) -> Written:
    """What a line is on disk."""
    told: Written = bare(line.says)
    return {"at": line.at, "event": line.says.event, **told}


def read_line(text: str) -> Optional[Line]:
    """A line from disk; None for one that was cut short by a crash, and for what only a newer agent knows.

    Raises Unreadable.
    """
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return as_line(found)


def as_line(found: object) -> Optional[Line]:
    """The same from what JSON has made of it."""
    if not isinstance(found, dict):
        # A part of a line may be whole JSON.
        return None
    shape = SHAPES.get(str(found.get("event")))
    if shape is None:
        return None
    at = found.get("at", 0.0)
    if not isinstance(at, (int, float)):
        raise Unreadable(f"the time of the line {shape.__name__} is {at!r}")
    return Line(at, read(shape, found, f"journal: {found['event']}"))
