"""The kinds of databases that are known, and the connections to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connections

from .kind import Engine
from .mysql import MySQL
from .postgresql import PostgreSQL
from .sqlite import SQLite

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

ENGINES: dict[str, Engine] = {engine.vendor: engine for engine in (PostgreSQL(), MySQL(), SQLite())}


def known() -> list[tuple[BaseDatabaseWrapper, Engine]]:
    """The connections to databases of a known kind, each with it."""
    found = [(connections[alias], ENGINES.get(connections[alias].vendor)) for alias in connections]
    return [(connection, engine) for connection, engine in found if engine]


def engine_of(connection: BaseDatabaseWrapper) -> Engine | None:
    """The kind of database that a connection is to; None where that is none that is known."""
    return ENGINES.get(connection.vendor)
