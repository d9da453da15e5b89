"""What a version is made of, and its database, as a preview tells of them; model.py has the rest of it.

A field that has no value is not known before the run; `why` beside it says why not.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.inside.protocol import DEFAULT
from agent.migrations.names import label


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


class Shared(Part):
    """A directory or a file that outlives the versions."""

    path: str = Field(description="in the code, where each version has a link")
    place: str = Field(description="where it lives")
    how: Literal["there", "new", "copied", "adopted"] = Field(
        description="there already; made empty; made with what the commit has there; or moved there from `adopt`"
    )
    says: str
    notice: str = Field(default="", description="what is worth knowing of it")
    differing: str = Field(default="", description="the commit's files that the shared one lacks or has otherwise")
