"""How migrations are named: [app, name], and in another database than the default one with its alias. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Django's name for the database that is meant where none is named.
DEFAULT = "default"


def key_of(migration: Mapping[str, Any]) -> tuple[str, ...]:
    """What a described migration is recorded as."""
    database = migration.get("database", DEFAULT)
    key = (str(migration["app"]), str(migration["name"]))
    return key if database == DEFAULT else (*key, str(database))


def label(migration: Mapping[str, Any] | Sequence[str]) -> str:
    """A migration's name for people, of one that is described or recorded.

    >>> label(["events", "0001_initial", "logs"])
    'events.0001_initial (logs)'
    """
    app, name, *database = key_of(migration) if isinstance(migration, Mapping) else migration
    return f"{app}.{name}" + (f" ({database[0]})" if database else "")


def labels(migrations: Iterable[Mapping[str, Any] | Sequence[str]]) -> str:
    """The names of several."""
    return ", ".join(map(label, migrations))
