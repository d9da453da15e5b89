"""What a host was seen to be like; what is here is read in every call of the agent, and the rest where it is needed."""

# No `from __future__ import annotations`: see shapes.

from dataclasses import field
from typing import Literal, Optional

from agent.inside.lean import dataclass
from agent.words.settings import Timed
from agent.words.shapes import OLD_NAME


@dataclass(frozen=True)
class Failure:
    """At which step of which deploy a version has failed, and when."""

    step: str
    deploy: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Version:
    """A version on a host.

    + links: those of the four that lead to it; in_use: a process of the app that works in it, or was started from it
    + sealed: whether it is whole; ours: whether Switchback has built it
    + code, config: the commits that it is made of, as far as they are known; refs: what was asked for
    + recipe: what else its config is made of, as a fingerprint, where that has no commit
    + working: whether it has worked; failed: how it has failed since, with the folder of the evidence
    + unable: why it can't be started any more; newer_schema: what of the database is newer than its code
    + env: the fingerprint of its variables; empty where it has none
    + schedule: what it runs at times, by name
    + odd: what can't be read of what it says of itself, or of what is known of it
    """

    name: str
    links: tuple[str, ...] = ()
    in_use: str = ""
    sealed: bool = False
    ours: bool = False
    code: Optional[str] = None
    config: Optional[str] = None
    refs: dict[str, Optional[str]] = field(default_factory=dict)
    bytes: Optional[int] = None
    age: int = 0
    working: bool = False
    failed: Optional[Failure] = None
    pinned: bool = False
    evidence: Optional[str] = None
    unable: Optional[str] = None
    newer_schema: tuple[str, ...] = ()
    env: str = ""
    recipe: str = ""
    schedule: dict[str, Timed] = field(default_factory=dict)
    odd: tuple[str, ...] = ()

    def commit(self, part: str) -> Optional[str]:
        """The commit of its code, or of its config."""
        return {"code": self.code, "config": self.config}[part]


@dataclass(frozen=True)
class RestartMode:
    """How the service gets from one version to another.

    + mode: rolling, or restart; why: why not as the settings ask for, or what is restarted at once
    + interrupts: whether nobody serves for a while; groups: those of supervisord that get a new config
    """

    mode: Literal["rolling", "restart"] = field(metadata={OLD_NAME: "way"})
    interrupts: bool
    why: str = ""
    groups: tuple[str, ...] = ()

    @property
    def rolls(self) -> bool:
        """Whether processes are replaced one by one."""
        return self.mode == "rolling"


@dataclass(frozen=True)
class OldBackup:
    """A backup that goes once there are too many, and how many are newer."""

    newer: int
    path: str


@dataclass(frozen=True)
class Kept:
    """How much there is of what only grows.

    + history: lines; runs: folders; backups, backup_bytes: of our own runs
    + keep_backups: how many stay; None for all
    + going: those that go next, the newest first
    """

    history: int
    runs: int
    backups: int
    backup_bytes: int
    keep_backups: Optional[int]
    going: tuple[OldBackup, ...] = ()


@dataclass(frozen=True)
class Access:
    """How the app's user gets at repositories by SSH.

    + has_key: whether there is a private key, or a config of its own that names one
    + public: the text of the public key that provision makes, where it is there
    + known: of the servers that were asked about, those whose key it knows
    """

    has_key: bool
    public: str
    known: tuple[str, ...]


@dataclass(frozen=True)
class Web:
    """What serves the web on a host.

    + servers: the web servers that are installed, by the names of their programs
    + listens: of the ports 80, 443 and that of website_url, those that somebody listens at
    + unused: whether nginx is as it was installed, and nobody has set it up for a site
    + sites: the names of the site files that provision has made, for other sites than this one
    + texts: of our own files for this site, the text of each that is there
    + enabled: whether the link is there by which nginx finds its file
    + ipv6: whether the host has it
    + shut: the first folder on the way to the static files that its user can't go into; empty where there is none
    """

    servers: tuple[str, ...]
    listens: tuple[int, ...]
    unused: bool
    sites: tuple[str, ...]
    texts: dict[str, str]
    enabled: bool
    ipv6: bool
    shut: str


@dataclass(frozen=True)
class PostgreSQL:
    """A host's own PostgreSQL: whether it is there, and whether it has the app's role and database.

    + problem: why it can't be asked
    """

    installed: bool
    role: bool
    database: bool
    problem: str = ""


@dataclass(frozen=True)
class UnwritableLog:
    """A log that supervisord can't write for a program; whose it is, None for a folder that is missing."""

    program: str
    path: str
    owner: Optional[str]


@dataclass(frozen=True)
class Foreign:
    """What of the live version is not the app user's: how many files, and one of them with its owner."""

    count: int
    path: str
    owner: str


@dataclass(frozen=True)
class PastWindow:
    """A maintenance window: of which deploy, how that ended, and how long visitors had to wait, seconds."""

    deploy: str
    outcome: str
    seconds: float
