"""How migrations are named: [app, name], and in another database than the default one with its alias. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from agent.inside.protocol import DEFAULT, Name


class Named(Protocol):
    """A migration that is described."""

    @property
    def app(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def database(self) -> str: ...


def key_of(migration: Named) -> Name:
    """What a migration is recorded as."""
    key = (migration.app, migration.name)
    return key if migration.database == DEFAULT else (*key, migration.database)


def label(migration: Named | Sequence[str]) -> str:
    """A migration's name for people, of one that is described or recorded.

    >>> label(["events", "0001_initial", "logs"])
    'events.0001_initial (logs)'
    """
    app, name, *database = migration if isinstance(migration, Sequence) else key_of(migration)
    return f"{app}.{name}" + (f" ({database[0]})" if database else "")


def labels(migrations: Iterable[Named | Sequence[str]]) -> str:
    """The names of several."""
    return ", ".join(map(label, migrations))
