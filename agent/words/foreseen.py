"""What a run would do to a host, as the agent foresees it."""

# No `from __future__ import annotations`: see shapes.

from dataclasses import field
from typing import Literal, Optional

from agent.inside.lean import dataclass
from agent.inside.protocol import Migration
from agent.words.seen import PastWindow, RestartMode


@dataclass(frozen=True)
class Commit:
    """A commit by its short id."""

    sha: str
    author: str
    subject: str


@dataclass(frozen=True)
class Between:
    """What lies between two commits.

    + back: how many commits the later one lacks; forward: how many it has more; left, commits: the newest of each
    + files, insertions, deletions: how much differs; diff: the changed lines, masked, where they were asked for
    """

    back: int
    forward: int
    commits: tuple[Commit, ...]
    left: tuple[Commit, ...]
    files: int
    insertions: int
    deletions: int
    diff: Optional[tuple[str, ...]]


@dataclass(frozen=True)
class Changes:
    """How the code, or the config, changes.

    + unknown: why nobody can tell
    """

    between: Optional[Between]
    unknown: str = ""


@dataclass(frozen=True)
class Package:
    """A package, with the release that the live environment has, and the one that the new one will have."""

    name: str
    was: Optional[str] = None
    version: Optional[str] = None


@dataclass(frozen=True)
class PackageChanges:
    """The packages that come, go, and change their release.

    + unsure: those from a repository or a file, of which the release is known when they are built
    """

    added: tuple[Package, ...] = ()
    removed: tuple[Package, ...] = ()
    up: tuple[Package, ...] = ()
    down: tuple[Package, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packages:
    """The packages of a version to come.

    + source: how they are known; why: why not better
    + same_text: whether the requirements are as they are live; refused: whether the installer can't resolve them
    + by_script: what `build_script` has installed in the live environment, and so would again
    + found: which file says what is needed, where nobody has named it
    """

    source: Literal["unchanged", "resolved", "built", "pins", "unknown"]
    changes: PackageChanges = PackageChanges()
    same_text: bool = False
    why: str = ""
    refused: bool = False
    by_script: tuple[str, ...] = ()
    found: str = ""


@dataclass(frozen=True)
class Migrations:
    """What becomes of the database.

    + source: who has told it: the new code's own Django, or its files; why: why not better
    + applied: what is applied; None where nobody can say
    + databases: the aliases of those that are migrated; pending: what is to be applied, in order
    + missing: what is applied and not in the new code; leaving: the same, as the live version has it
    + unknown: what is applied and in neither version
    + conflicts: apps with several last migrations; inconsistent: why what is applied can't be migrated from
    """

    source: Literal["django", "files", "unknown"]
    why: str = ""
    applied: Optional[tuple[str, ...]] = None
    databases: tuple[str, ...] = ()
    pending: tuple[Migration, ...] = ()
    missing: tuple[str, ...] = ()
    leaving: tuple[Migration, ...] = ()
    unknown: tuple[str, ...] = ()
    conflicts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inconsistent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Static:
    """The names of the static files that differ.

    + source: who has told them: Django's finders, or the version, which is built; why: why not better
    """

    source: Literal["django", "built", "unknown"]
    why: str = ""
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class App:
    """What the app itself, or its files, tell of a version to come.

    + filled: what the project's settings leave open, and a config that is made of the code has set
    """

    migrations: Migrations
    static: Static
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """The config to come where it has no repository, and is made of the code and the settings.

    + found: what the project tells of itself; missing: what it does not tell, each with what to write
    + added, changed, removed: its files, as against the live config's; diff: their lines, where those were asked for
    """

    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    diff: Optional[tuple[str, ...]] = None


@dataclass(frozen=True)
class ConfigToCome:
    """What the config to come has at its top, and what of it the deployment directory gets links to, each by its path.

    + laid: where each of those links leads
    """

    entries: tuple[str, ...]
    laid: dict[str, str]


@dataclass(frozen=True)
class SharedPlace:
    """Something that outlives the versions: its path in the code, and where it lives.

    + how: whether it is there; if not, whether it begins empty, as what the commit has, or is moved there from a source
    + files: how many the commit has there that it begins as; or, where it is there, that it lacks or has otherwise
    + differ: the names of some of the latter; problem: why a build would be refused
    + notice: what is worth knowing of it: who else can reach it, or what may be meant
    """

    path: str
    place: str
    how: Literal["there", "new", "copied", "adopted"] = "there"
    source: str = ""
    files: int = 0
    differ: tuple[str, ...] = ()
    problem: str = ""
    notice: str = ""

    @property
    def says(self) -> str:
        """What becomes of it, in words."""
        words = {
            "there": "",
            "new": " (new)",
            "copied": f" (new, with what the commit has there: {self.counted})",
            "adopted": f" (taken over from {self.source}, where a link is left)",
        }
        return f"{self.path} → {self.place}{words[self.how]}"

    @property
    def counted(self) -> str:
        """How many files, in words."""
        return f"{self.files} file{'' if self.files == 1 else 's'}"

    @property
    def differing(self) -> str:
        """The files that visitors don't get as the commit has them, in words."""
        if not self.differ:
            return ""
        names = [name for name in self.differ if name]
        more = self.files - len(names)
        return ", ".join([*names, *([f"and {more} more"] if names and more else [])]) or "its content"


@dataclass(frozen=True)
class Foreseen:
    """What a run would do.

    + code, config: None where they stay, or where nothing is live
    + top: of the config to come; None where that is not known
    + no_trial: why the version is not started before where no visitor comes
    + windows: the last ones on this host, the newest first
    + env: the names of the version's variables that are others than the live one's, each with what becomes of it
    + made: the config to come; None where it has a repository, or the version is built
    + shared: what outlives the version, where one is to be built
    """

    code: Optional[Changes]
    config: Optional[Changes]
    packages: Packages
    app: App
    top: Optional[ConfigToCome]
    restart: RestartMode
    no_trial: str
    windows: tuple[PastWindow, ...]
    env: dict[str, str] = field(default_factory=dict)
    made: Optional[Made] = None
    shared: tuple[SharedPlace, ...] = ()
