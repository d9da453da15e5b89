"""The preview of a run as a model: what is shown, what --json gives, and what a plan file holds are this, and the same.

A field that has no value is not known before the run; `why` beside it says why not.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from switchback.plan.parts import Changes, Migrations, Packages, Part, Shared, Static
from switchback.settings.errors import OfHost

# Changes whenever a field is taken away or means something else; a plan of another one is refused.
SCHEMA = 1


class Link(Part):
    """A link on the host, and where it leads before and after."""

    path: str
    was: str | None = Field(description="none where it is new")
    now: str | None = Field(description="none where it goes")


class Step(Part):
    """A step of the run."""

    name: str
    does: bool = Field(description="false where it is known to have nothing to do")
    why: str = Field(default="", description="why it has nothing to do")


class Script(Part):
    """A script of the host's or the project's own that will run."""

    step: str
    path: str


class Window(Part):
    """Whether visitors see the maintenance page."""

    shown: bool | None = Field(description="none where that is decided when the migrations are known")
    why: str = ""


class PastWindow(Part):
    """How long a window took."""

    deploy: str
    outcome: str
    seconds: float


class Fallback(Part):
    """What becomes of the database if the run fails after it was migrated."""

    way: Literal["none", "reverse", "restore", "reapply", "keep", "refused"] = Field(
        description="none: nothing is migrated, so nothing has to be undone; reapply: what a revert has reversed "
        "is applied again; refused: see problems"
    )
    why: str = ""
    cannot_undo: tuple[str, ...] = Field(default=(), description="what no fallback could undo, a sentence each")


class Deletion(Part):
    """A version that is deleted."""

    name: str
    bytes: int | None


class Disk(Part):
    """Room for a new version, bytes."""

    needed: int
    free: int


class Service(Part):
    """The service that runs the app."""

    unit: str
    restart: str = Field(description="the strategy; empty where it is not restarted")
    why: str = Field(default="", description="why it is not the one in the settings, or what it does besides")
    no_trial: str = Field(default="", description="why the version is not started where no visitor comes before, if so")


class Summary(Part):
    """What the last line counts: the version, links, migrations, the service, the packed versions to be deleted."""

    create: int = 0
    change: int = 0
    delete: int = 0
    unchanged: int = 0


class HostPreview(Part):
    """What the run does on one host."""

    host: str
    primary: bool = Field(description="whether it backs up and migrates for all hosts")
    idle: str = Field(default="", description="why there is nothing to do; empty where there is")
    problems: tuple[str, ...] = Field(default=(), description="what would refuse the run")
    notices: tuple[str, ...] = Field(default=(), description="what is worth knowing, and refuses nothing")
    was: str | None = Field(description="the version that is live")
    version: str | None = Field(description="where it goes; none for one that is to be built, and named then")
    healthy: bool = Field(description="whether the live version is well now")
    code: Changes | None = None
    config: Changes | None = None
    packages: Packages | None = None
    migrations: Migrations | None = None
    static: Static | None = None
    shared: tuple[Shared, ...] = ()
    links: tuple[Link, ...] = ()
    kept_links: int = Field(default=0, description="how many links stay as they are")
    service: Service | None = None
    window: Window | None = None
    scripts: tuple[Script, ...] = ()
    hooks: tuple[str, ...] = Field(default=(), description="commands of the project's own, each with its point, masked")
    steps: tuple[Step, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    kept_versions: int = 0
    old_backups: tuple[str, ...] = Field(default=(), description="backups of earlier deploys that are deleted")
    disk: Disk | None = None
    database: str = Field(default="", description="of a revert: keep, reverse or restore")
    database_offers: tuple[str, ...] = Field(default=(), description="of a revert: what else --data database= can be")
    environment: tuple[str, ...] = Field(
        default=(), description="variables and secrets that come, change or go: by name, and never what they are"
    )
    schedule: tuple[str, ...] = Field(
        default=(), description="what runs at times and is new (+), changes (~) or goes (-)"
    )
    backup: str = Field(default="", description="of a revert that restores: the backup")
    fallback: Fallback | None = None
    windows: tuple[PastWindow, ...] = Field(default=(), description="the last ones on this host, the newest first")
    hotfixes: dict[str, tuple[str, ...]] = Field(default={}, description="what was changed by hand, by part")
    settings: dict[str, object] = Field(description="all of them, masked")
    looked_ahead: bool = Field(default=True, description="false where the host was only looked at, as under -y")
    summary: Summary = Summary()


class Preview(Part):
    """What a run does, on all of its hosts."""

    schema_version: Literal[1] = Field(default=1, description="of this document; another one is refused as a plan")
    kind: Literal["deploy", "build", "revert", "restart", "clean"]
    made: str = Field(description="when, UTC")
    hosts: tuple[HostPreview, ...]

    @property
    def changes(self) -> bool:
        """Whether anything would be done."""
        return any(not one.idle for one in self.hosts)

    @property
    def problems(self) -> tuple[str, ...]:
        """What would refuse the run, each with its host."""
        return tuple(OfHost(one.host, problem) for one in self.hosts for problem in one.problems)
