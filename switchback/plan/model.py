"""The preview of a run as a model: what is shown, what --json gives, and what a plan file holds are this, and the same.

A field that has no value is not known before the run; `why` beside it says why not.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.inside.protocol import DEFAULT
from agent.migrations.names import label

# Changes whenever a field is taken away or means something else; a plan of another one is refused.
SCHEMA = 1


class Part(BaseModel):
    """What all of these have in common: made of JSON or of what was foreseen, fixed, and with nothing in it besides."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class Commit(Part):
    """A commit between the live one and the one to come."""

    sha: str = Field(description="the short id")
    author: str
    subject: str


class Changes(Part):
    """The code or the config."""

    ref: str = Field(description="what was asked for: a branch, tag or SHA")
    sha: str = Field(description="the commit that this stands for, and that is deployed")
    was: str | None = Field(description="the commit that is live; none where no version is")
    unknown: str = Field(default="", description="why nothing more is known; empty where it is")
    back: int = Field(default=0, description="how many live commits the one to come does not have")
    forward: int = Field(default=0, description="how many commits it has that the live one does not")
    commits: tuple[Commit, ...] = Field(default=(), description="the newest 20 of those that come")
    left: tuple[Commit, ...] = Field(default=(), description="the newest 20 of those that go")
    files: int = 0
    insertions: int = 0
    deletions: int = 0
    diff: tuple[str, ...] | None = Field(default=None, description="config under --diff: the changed lines, masked")
    made: tuple[str, ...] | None = Field(default=None, description="files of a config that is made of code (+, ~, -)")
    says: tuple[str, ...] = Field(default=(), description="what was found in the code for that, and what it sets")


class Package(Part):
    """A package that comes, goes or changes."""

    name: str
    was: str | None = Field(default=None, description="the version that the live environment has")
    version: str | None = Field(default=None, description="the version that the new one will have")


class Packages(Part):
    """The virtual environment."""

    source: Literal["unchanged", "resolved", "built", "pins", "unknown"] = Field(
        description="how it is known: nothing changes and all is pinned; resolved by the installer; read from the "
        "version, which is built; only what the requirements pin, since resolving failed; not at all"
    )
    found: str = Field(default="", description="which file says what is needed, where the settings name none")
    why: str = ""
    added: tuple[Package, ...] = ()
    removed: tuple[Package, ...] = ()
    up: tuple[Package, ...] = ()
    down: tuple[Package, ...] = ()
    unsure: tuple[str, ...] = Field(default=(), description="come from a repository or a file: known when built")
    refused: bool = Field(default=False, description="whether the installer can't resolve them, and a build would fail")
    by_script: tuple[str, ...] = Field(default=(), description="what build_script has installed, and would again")

    @property
    def changed(self) -> int:
        """How many packages change in any way."""
        return sum(len(one) for one in (self.added, self.removed, self.up, self.down, self.unsure))


class Risk(Part):
    """Something that an operation may do to a site that is up."""

    kind: str = Field(description="locks, rewrites, keeps writers out, breaks old code, loses data, unknown")
    says: str


class Operation(Part):
    """An operation of a migration."""

    says: str = Field(description="as Django describes it")
    risks: tuple[Risk, ...] = ()


class Migration(Part):
    """A migration to be applied, or to be reversed."""

    app: str
    name: str
    database: str = Field(default=DEFAULT, description="the alias of the database in which it is applied")
    idle: bool = Field(default=False, description="whether it makes nothing there, and is only recorded")
    loses: bool = Field(default=False, description="whether it discards what is stored now")
    halfway: bool = Field(default=False, description="whether it can stop in its middle")
    reversible: bool | None = Field(description="none where only the file could be read, and it does not say")
    atomic: bool = True
    operations: tuple[Operation, ...] = ()
    sql: tuple[str, ...] | None = Field(default=None, description="under --diff, masked")
    unread: str = Field(default="", description="why the file can't be read; empty where it can")

    @property
    def label(self) -> str:
        """As Django names it: items.0002_item_colour; in another database than the default one, with its alias."""
        return label(self)


class Migrations(Part):
    """The database."""

    source: Literal["django", "files", "unknown"] = Field(
        description="how it is known: from the new code's own Django; from its migration files; not at all"
    )
    why: str = ""
    applied: tuple[str, ...] | None = Field(default=None, description="what is applied; none where nobody can say")
    databases: tuple[str, ...] = Field(default=(), description="the aliases of the databases that are migrated")
    pending: tuple[Migration, ...] = Field(default=(), description="those to be applied, in order")
    missing: tuple[str, ...] = Field(default=(), description="applied, and the new code does not have them")
    leaving: tuple[Migration, ...] = Field(
        default=(), description="those that the version to come lacks, as the live one has them"
    )
    unknown: tuple[str, ...] = Field(default=(), description="of a revert: applied, and in neither version")
    conflicts: dict[str, tuple[str, ...]] = Field(default={}, description="apps with several last migrations")
    inconsistent: tuple[str, ...] = Field(default=(), description="why what is applied can't be migrated from")

    @property
    def shown(self) -> tuple[Migration, ...]:
        """Those to be applied, but for what other databases only record."""
        return tuple(one for one in self.pending if not (one.idle and one.database != DEFAULT))


class Names(Part):
    """Files: how many, and the first of them by name."""

    count: int = 0
    names: tuple[str, ...] = ()


class Static(Part):
    """The static files."""

    source: Literal["django", "built", "unknown"] = Field(
        description="how it is known: from Django's finders, compared with what is live by content; from the version, "
        "which is built; not at all"
    )
    why: str = ""
    added: Names = Names()
    changed: Names = Names()
    removed: Names = Names()


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
    backup: str = Field(default="", description="of a revert that restores: the backup")
    fallback: Fallback | None = None
    windows: tuple[PastWindow, ...] = Field(default=(), description="the last ones on this host, the newest first")
    hotfixes: dict[str, tuple[str, ...]] = {}
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
        return tuple(f"{one.host}: {problem}" for one in self.hosts for problem in one.problems)
