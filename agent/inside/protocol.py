"""What the agent and its part inside of Django say to each other."""

# No `from __future__ import annotations`: the agent reads the types of the fields when it runs.

import json
from collections.abc import Callable
from typing import Optional, Tuple, Union  # noqa: UP035 - see below

from .lean import dataclass, fields_of

# What a verb has found goes to standard output as one line of JSON that begins so, whatever else the app prints.
RESULT_PREFIX = "switchback-result: "
# Has it stay; what it then says, what it is told, and with what its answer ends. LOCKS: in the environment, `Patience`.
THEN_MIGRATE, STAYS, NOW, END = "then-migrate", b"stays", b"now", b"\n"
LOCKS = "SWITCHBACK_LOCKS"
# Django's name for the database that is meant where none is named.
DEFAULT = "default"

# A migration as it is recorded: its app and its name, and in another database than the default one its alias.
Name = tuple[str, ...]
# A field's class, and its arguments; True for those that are not plain.
Field = dict[str, Union[bool, int, str, None]]


@dataclass(frozen=True)
class Patience:
    """How a process of a deploy waits for locks.

    + name: what its sessions are called; direct: where PostgreSQL is, if the app uses a pooler; timeout: seconds
    + until: when a migration that gets no lock is given up, seconds since the epoch; None for a few tries
    """

    name: str
    timeout: float
    until: Optional[float]
    direct: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked of a migration to come.

    + sql: whether to write out the SQL; static: whether to list the static files
    + keep: those of the applied migrations that another version has; None where that is not asked
    """

    sql: bool = False
    static: bool = False
    keep: Optional[tuple[Name, ...]] = None


@dataclass(frozen=True)
class Risk:
    """Something that an operation may do to a site that is up: of which kind, and as a sentence."""

    kind: str
    says: str


@dataclass(frozen=True)
class Operation:
    """An operation of a migration, told by Django or by its file.

    + kind: its class; model, name: what it is about; reversible: None where its file does not say
    + field: the one that it adds, alters or removes; was: what that is now, where it is altered and that is known
    + adds: whether anything is added to what belongs together; does_nothing: whether its code or SQL does nothing
    + inside: those that are done to the database, where others are done to the models alone
    + in_file: whether its database is a file, which one alone can write to (SQLite); new_table: whether the same plan
      makes the table, which is empty then, and known to no old code
    + risks: what the agent has found that it may do; of one that has these, an older agent has kept no more than `says`
    """

    app: str = ""
    kind: str = ""
    says: str = ""
    reversible: Optional[bool] = None
    model: str = ""
    name: str = ""
    field: Optional[Field] = None
    was: Optional[Field] = None
    adds: bool = True
    does_nothing: bool = False
    # In Python 3.9 a class's name in its own list is found in this one alone.
    inside: Tuple["Operation", ...] = ()  # noqa: UP006
    in_file: bool = False
    new_table: bool = False
    risks: tuple[Risk, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether a column takes less than before, or is filled where it was empty."""
        was, now = self.was or {}, self.field or {}
        if was.get("class") != now.get("class") or (was.get("null") and not now.get("null")):
            return True
        sizes = [(was.get(key), now.get(key)) for key in ("max_length", "max_digits", "decimal_places")]
        return any(after is not None and (before is None or int(after) < int(before)) for before, after in sizes)


@dataclass(frozen=True)
class Migration:
    """A migration to be applied, or to be reversed.

    + reversible: None where its file does not say; halfway: whether it can stop in its middle
    + idle: whether it does nothing in its database, and is only recorded; loses: whether it discards what is stored
    + sql: what it does, where that was asked for; unread: why its file can't be read
    """

    app: str
    name: str
    reversible: Optional[bool] = None
    atomic: bool = True
    operations: tuple[Operation, ...] = ()
    database: str = DEFAULT
    idle: bool = False
    loses: bool = False
    halfway: bool = False
    sql: Optional[tuple[str, ...]] = None
    unread: str = ""


@dataclass(frozen=True)
class Database:
    """A database that the app migrates.

    + name: as it says itself; configured: by the settings; server: HOST:PORT; empty: has no table; direct: by no pooler
    """

    alias: str
    vendor: str
    name: str
    configured: str
    empty: bool
    server: str = ""
    direct: bool = False


@dataclass(frozen=True)
class Migrations:
    """The migrations of the app's databases.

    + applied; unknown: what of it is not in this code; pending: what would be applied, in order
    + inconsistent: why what is applied can't be migrated from; conflicts: apps with several last migrations
    + code: where the project's own migrations were imported from
    + known: all that this code has; replaced: those that these stand for
    """

    databases: tuple[Database, ...]
    applied: tuple[Name, ...]
    unknown: tuple[Name, ...]
    pending: tuple[Migration, ...]
    inconsistent: tuple[str, ...]
    conflicts: dict[str, tuple[str, ...]]
    code: tuple[str, ...]
    known: tuple[Name, ...]
    replaced: tuple[Name, ...]


@dataclass(frozen=True)
class Migrated(Migrations):
    """The same, once what was pending has been applied; a line for each time that it was tried again over a lock."""

    waited: tuple[str, ...]


@dataclass(frozen=True)
class Writes:
    """Where a project writes: the folders of uploads by their fields, and databases that are files by their aliases."""

    uploads: dict[str, str]
    sqlite: dict[str, str]


@dataclass(frozen=True)
class Checks(Migrations):
    """What the system checks say; what models have that no migration makes; what a made config fills in of settings."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    writes: Writes
    unwritten: tuple[str, ...]
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class StaticPlace:
    """Where an app has its static files.

    + read: whether the app itself needs them there; url: where visitors find them
    + kept_by: the storage that has them, where that is no folder; looked_for_in: the folder in which the app looks
    """

    read: bool = False
    url: Optional[str] = None
    kept_by: str = ""
    looked_for_in: str = ""


@dataclass(frozen=True)
class Collected:
    """How many static files a version has, whether the finders know of any, and where the app has them, if it does."""

    files: int
    listed: bool
    place: Optional[StaticPlace]
    checks: Checks


@dataclass(frozen=True)
class Leaving:
    """What is applied that another version lacks: what is taken back, dependents first; what this one lacks too."""

    databases: tuple[Database, ...]
    applied: tuple[Name, ...]
    leaving: tuple[Migration, ...]
    unknown: tuple[Name, ...]


@dataclass(frozen=True)
class Foreseen:
    """What this code would do.

    + left: what another version does not know, where that was asked for
    + static: the static files, each with its content's hash; None where reading them takes too long
    """

    migrations: Migrations
    left: Optional[Leaving]
    static: Optional[dict[str, str]]
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unapplied:
    """What was taken back, in which databases.

    + wrong: what is applied, or is not, and was not, or was, to stay; tables: what is left where nothing was before
    """

    databases: tuple[str, ...]
    unapplied: tuple[Name, ...]
    wrong: tuple[Name, ...]
    tables: tuple[str, ...]
    waited: tuple[str, ...]


@dataclass(frozen=True)
class Reapplied:
    """What was applied again, and what is applied, or is not, that should not be, or should."""

    applied: tuple[Name, ...]
    wrong: tuple[Name, ...]
    waited: tuple[str, ...]


@dataclass(frozen=True)
class Reached:
    """A database as the settings have it; and why it can't be reached, if so."""

    vendor: str
    name: str
    host: str
    problem: str = ""


@dataclass(frozen=True)
class About:
    """What an app says of its databases, by alias, of uploads and static files; and what is applied that it lacks."""

    databases: dict[str, Reached]
    uploads: dict[str, str]
    static: Optional[StaticPlace]
    unknown: tuple[Name, ...]


@dataclass(frozen=True)
class Sessions:
    """Sessions that killed processes have left: those that were ended, and those that did not end."""

    ended: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Locked:
    """Why a verb has found nothing: no lock was to be had."""

    no_lock: Optional[str] = None


class NoLock(SystemExit):
    """No lock was to be had, which says nothing of the code that has asked for it."""


def answer_of(verb: Callable[..., object], *arguments: str) -> tuple[object, str]:
    """What a verb finds, and the same as JSON; that no lock was to be had is something to be found, too."""
    try:
        found = verb(*arguments)
    except NoLock as problem:
        found = Locked(str(problem))
    return found, json.dumps(found, default=fields_of)
