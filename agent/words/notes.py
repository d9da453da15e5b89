"""What steps and undos have noted, as far as others than they themselves read it.

A journal may be an older agent's: what that did not note, or noted otherwise, is as it is by default.
"""

# No `from __future__ import annotations`: see shapes.

from dataclasses import field
from typing import ClassVar, Optional

from agent.inside.lean import dataclass
from agent.inside.protocol import Database, Migration, Name
from agent.words.seen import RestartMode
from agent.words.shapes import OLD_NAME

Names = tuple[Name, ...]


@dataclass(frozen=True)
class Note:
    """What a step has found out.

    + skipped: why it had nothing to do; warning: what a person is to know of it all the same
    """

    step: ClassVar[str] = ""
    skipped: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Undone:
    """What an undo has done, or seen.

    + kept: why it was left as it is, at a person's word
    """

    action: ClassVar[str] = ""
    kept: str = ""

    def says(self) -> str:
        """The same for a person, where there is more to say than that it was done."""
        return ""


@dataclass(frozen=True)
class Page:
    """What a visitor gets: its status and what it is known by, None where nobody answers; and what is wrong with it."""

    status: Optional[int]
    sign: Optional[str] = None
    wrong: Optional[str] = None


@dataclass(frozen=True)
class Checked(Note):
    """What `checks` has found out of the database, and decided.

    + applied: the migrations that are applied; None where nobody has asked
    + pending: those to come; unknown: those that are applied, and that the version lacks
    + leaving: those that a revert takes back, or leaves; known: all that the version has; replaced: what those replace
    + databases: those that the app uses; empty: whether there is no table yet; code: where its own code comes from
    + fallback: how the database goes back; restart: how the service is restarted
    + newer_schema: what of the database is newer than the version's code
    + filled: what the project's settings leave open, and its config has set
    """

    step: ClassVar[str] = "checks"
    applied: Optional[Names] = None
    pending: tuple[Migration, ...] = ()
    unknown: Names = ()
    leaving: tuple[Migration, ...] = ()
    known: Names = ()
    replaced: Names = ()
    databases: tuple[Database, ...] = ()
    empty: bool = False
    code: tuple[str, ...] = ()
    fallback: str = ""
    restart: Optional[RestartMode] = None
    newer_schema: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class MaintenanceStarted(Note):
    """What visitors were seen to get, once the start script had run.

    + why: why they are kept out; page: the one that they get; unseen: whether they get what they got before
    + static_before: the address of a static file that they got before; past_page: whether the app itself gave the page
      of the website then
    """

    step: ClassVar[str] = "maintenance_start"
    why: str = ""
    page: Optional[Page] = None
    unseen: bool = False
    static_before: str = ""
    past_page: bool = False


@dataclass(frozen=True)
class BackedUp(Note):
    """The backup: its path, its size and its checksum."""

    step: ClassVar[str] = "backup"
    path: str = ""
    bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class BackedUpBefore(BackedUp):
    """The same, of one that was made before the window."""

    step: ClassVar[str] = "backup_before"


@dataclass(frozen=True)
class Paused(Note):
    """What was stopped so as not to write; noted before it was.

    + programs: processes, as supervisord is asked for them; timers: of what runs at times, by name
    """

    step: ClassVar[str] = "pause"
    programs: tuple[str, ...] = ()
    timers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Restarted(Note):
    """How the service was restarted.

    + mode: rolling, or restart; touched: the processes that were begun to be replaced
    """

    step: ClassVar[str] = "restart"
    mode: str = field(default="", metadata={OLD_NAME: "way"})
    touched: tuple[str, ...] = ()


@dataclass(frozen=True)
class SchemaSeen(Note):
    """Whether a host that waits for the primary host has seen the database as the new version needs it."""

    step: ClassVar[str] = "schema"
    changed: bool = False


@dataclass(frozen=True)
class Glance(Note):
    """Whether visitors get the maintenance page once all was tried; None where that can't be told."""

    step: ClassVar[str] = "visitors"
    shut: Optional[bool] = None


@dataclass(frozen=True)
class Out:
    """A time in which an address failed whenever it was asked: from when to when, seconds since the epoch."""

    since: float
    until: float
    failed: int


@dataclass(frozen=True)
class Asked:
    """How often an address was asked, how often that failed, and for how long it was out, seconds; when it was."""

    asked: int
    failed: int
    outage: float
    out: tuple[Out, ...] = ()


@dataclass(frozen=True)
class Probed:
    """What visitors were seen to notice in one call of the agent: of the site, and of the app itself.

    + since: from when on they were asked, seconds since the epoch; 0 where an older agent does not say
    """

    site: Asked
    app: Asked
    since: float = 0.0
