"""What is known of a version, and what it is made of, as both stand on disk. Loaded where one of them is read."""

# No `from __future__ import annotations`: see shapes.

from collections.abc import Mapping
from dataclasses import field
from typing import Optional, TypeVar, Union

from agent.inside.lean import dataclass
from agent.inside.protocol import Name
from agent.words.journal import Commit
from agent.words.notes import BackedUp
from agent.words.seen import Failure
from agent.words.settings import Timed
from agent.words.shapes import Unreadable, read

T = TypeVar("T")


@dataclass(frozen=True)
class Mark:
    """What is known of a version.

    + built_by: the run that has built it, where that failed; working: since when, seconds since the epoch
    + failed: how it has failed since; evidence: the folder of that run; pinned: whether a person wants it kept
    + backup: the one from before it went live; newer_schema: what of the database is newer than its code
    + schedule: what it runs at times, by name: here, where nothing of the app's can write
    """

    built_by: str = ""
    working: Optional[float] = None
    failed: Optional[Failure] = None
    evidence: Optional[str] = None
    pinned: bool = False
    backup: Optional[BackedUp] = None
    newer_schema: tuple[str, ...] = ()
    schedule: dict[str, Timed] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """A version's environment.

    + fingerprint: None where no other can be made of it
    + named: the files that have the version's name in them; None where nobody has looked
    """

    fingerprint: Optional[str] = None
    named: Optional[tuple[str, ...]] = None


@dataclass(frozen=True)
class Seal:
    """What a whole version says of itself.

    + code, config: what was checked out; recipe: what else a config is made of that was not, as a fingerprint
    + built: when, seconds since the epoch; deploy: by which run; bytes: what it takes on disk
    + venv: of an older agent's, its fingerprint alone
    + migrations: all that it has; self_contained: whether it runs from itself at its own path
    + static_url: where visitors find its static files; by_script: the packages that `build_script` has installed
    + env: the fingerprint of its variables; empty where it has none
    + shared: the paths in its code that lead out of it
    """

    name: str = ""
    code: Optional[Commit] = None
    config: Optional[Commit] = None
    built: float = 0.0
    deploy: str = ""
    bytes: Optional[int] = None
    venv: Union[Environment, str, None] = None
    migrations: Optional[tuple[Name, ...]] = None
    self_contained: bool = False
    static_url: Optional[str] = None
    by_script: Optional[tuple[str, ...]] = None
    env: str = ""
    recipe: str = ""
    shared: tuple[str, ...] = ()

    def commit(self, part: str) -> Optional[Commit]:
        """What its code was made of, or its config."""
        return {"code": self.code, "config": self.config}[part]

    @property
    def environment(self) -> Environment:
        """Its environment, as far as another can be made of it."""
        return self.venv if isinstance(self.venv, Environment) else Environment()


def read_known(shape: type[T], found: Mapping[str, object]) -> tuple[T, list[str]]:
    """What JSON says of a version, and what of it can't be read, which is as if nothing were said of that."""
    fits, odd = {}, []
    for name, value in found.items():
        try:
            read(shape, {name: value}, "it")
            fits[name] = value
        except Unreadable as problem:
            odd.append(str(problem))
    return read(shape, fits, "it"), odd
