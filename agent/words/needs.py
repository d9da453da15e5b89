"""What was tried on a host of all that a deploy needs beyond the host's own layout."""

# No `from __future__ import annotations`: see shapes.

from dataclasses import field
from typing import Optional

from agent.inside.lean import dataclass
from agent.inside.protocol import Reached
from agent.words.seen import Foreign, UnwritableLog


@dataclass(frozen=True)
class Stops:
    """How the service ends, seconds.

    + limit: after which systemd kills what is left; None for never
    + needs: what its programs may take; slowest: which of them takes longest
    """

    limit: Optional[float]
    needs: int
    slowest: str


@dataclass(frozen=True)
class InTheWay:
    """What would be in the way of the app's next start, or of its end."""

    logs: tuple[UnwritableLog, ...]
    foreign: Optional[Foreign]
    stops: Stops


@dataclass(frozen=True)
class Module:
    """A module that something names: whether the commits have it, None where it may come from a package.

    + instead: the names that may be meant
    """

    name: str
    found: Optional[bool]
    instead: tuple[str, ...] = ()


@dataclass(frozen=True)
class Server:
    """A program that serves the app: by which package, and the app's module."""

    program: str
    package: str
    app: Optional[Module]


@dataclass(frozen=True)
class Requirements:
    """The requirements of the code to come.

    + path: the file that says them; problem: why there is none that can be used
    + found: the same, with what else is there, where nobody has named it
    + names: the packages that they name; all_named: whether these are all that they ask for themselves
    """

    path: str = ""
    problem: str = ""
    found: str = ""
    names: tuple[str, ...] = ()
    all_named: bool = False


@dataclass(frozen=True)
class Heads:
    """What the commits to come have, read from their files.

    + manage: whether manage.py is there; settings: the module that it names
    + servers: by supervisord's config, which is the host's own where own_supervisord
    + found, missing: what the project tells of itself where its config is made of that, and what it does not tell
    + starts_supervisord: whether the service's unit starts a version's own; live: the packages that are live
    + elsewhere: files that Git LFS keeps, where the host has none
    """

    requirements: Requirements
    manage: bool
    settings: Optional[Module]
    own_supervisord: bool
    servers: tuple[Server, ...]
    starts_supervisord: bool
    live: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackupScript:
    """The database that the backup script backs up, as far as that can be read; why the app's user can't reach it."""

    name: Optional[str]
    problem: Optional[str] = None


@dataclass(frozen=True)
class Database(Reached):
    """A database of the app's: whether it is on another host, and whether it is in the live version."""

    elsewhere: bool = False
    inside: bool = False


@dataclass(frozen=True)
class StaticFound:
    """Why a build would be refused for where static files are looked for, and what is worth knowing."""

    problem: Optional[str] = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveApp:
    """What the live version says.

    + uploads_inside: where it puts them in itself; unknown: what is applied that no version has, as words
    """

    databases: dict[str, Database]
    static: StaticFound
    uploads_inside: tuple[str, ...] = ()
    unknown: str = ""


@dataclass(frozen=True)
class Databases:
    """The app's databases, and what is backed up.

    + app: None where none is live, or can't be asked; unasked: why it can't
    + backup: why the last one is not of the app's database
    + tools: what provision's backup script needs of a kind of database and the host lacks, by the databases' aliases
    """

    script: Optional[BackupScript] = None
    app: Optional[LiveApp] = None
    unasked: str = ""
    backup: Optional[str] = None
    tools: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Needs:
    """What was tried, and what is wrong with each.

    + website: what is wrong with its answer
    + heads: None where the commits are not known, or can't be read; unread: why they can't
    """

    website: Optional[str]
    database: Databases
    in_the_way: InTheWay
    heads: Optional[Heads] = None
    unread: str = ""
