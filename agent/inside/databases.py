"""The databases of an app: which of them it migrates, and what is in each."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import django
from django.apps import apps
from django.db import connections, router
from django.db.backends.signals import connection_created
from django.db.transaction import atomic

from .protocol import DEFAULT, Database

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# How each kind of database says which one it is, and at which port: a pooler in front of it has another one. And which
# process answers: a pooler has said another one to whoever connected.
ASKS = {
    "postgresql": "select current_database(), current_setting('port'), pg_backend_pid()",
    "mysql": "select database(), @@port, null",
}
# What opens no way to write, and has to work where a transaction has failed.
SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")

# MySQL's number for a transaction that goes on, so that nothing can be said of how it is to be.
BEGUN_ALREADY = 1568
# SQLite's name for a database that is in no file; where a file says whether it has a write-ahead log (2), bytes.
MEMORY, WAL_AT = ":memory:", 18


def aliases() -> list[str]:
    """The databases that the project migrates: the default one, and those that its routers write something to."""

    def has_its_own(alias: str) -> bool:
        return any(
            router.allow_migrate_model(alias, model)
            and (router.db_for_write(model) == alias or not router.allow_migrate_model(DEFAULT, model))
            for model in apps.get_models(include_auto_created=True)
        )

    def is_mirror(alias: str) -> bool:
        # It gets its tables from what it mirrors.
        return bool((connections.settings[alias].get("TEST") or {}).get("MIRROR"))

    return [alias for alias in real() if not is_mirror(alias) and (alias == DEFAULT or has_its_own(alias))]


def real() -> list[str]:
    """The databases that there are: Django has a default one also for a project that names none."""
    return [alias for alias in connections if not connections.settings[alias]["ENGINE"].endswith(".dummy")]


def database(alias: str) -> Database:
    """Which database the app uses, as that says itself, and whether there is nothing in it yet."""
    connection = connections[alias]
    configured, host = (str(connection.settings_dict.get(key) or "") for key in ("NAME", "HOST"))
    name, port, direct = configured, "", False
    with connection.cursor() as cursor:
        if connection.vendor in ASKS:
            cursor.execute(ASKS[connection.vendor])
            name, port, answers = cursor.fetchone()
            # Not every driver tells that.
            connected = getattr(getattr(connection.connection, "info", None), "backend_pid", None)
            direct = connected is not None and answers == connected
    return Database(alias, connection.vendor, str(name), configured, not tables(connection), f"{host}:{port}", direct)


def tables(connection: BaseDatabaseWrapper) -> list[str]:
    """The tables of a database, but for Django's own list of migrations, and one that PostGIS brings."""
    return sorted(set(connection.introspection.table_names()) - {"django_migrations", "spatial_ref_sys"})


def let_go_of_databases() -> None:
    """Close whatever is open to a database."""
    connections.close_all()
    if django.VERSION >= (5, 1):
        # Closed, a connection may have gone back to a pool that keeps it.
        for connection in connections.all(initialized_only=True):
            getattr(connection, "close_pool", lambda: None)()


def have_databases_refuse_to_write() -> None:
    """Have whatever this process asks of a database change nothing in it: of PostgreSQL and MySQL in a transaction that
    only reads, of a SQLite file as one that can't be written.

    A session itself is left as it was: a pooler hands it to a visitor next, and one that only reads is none to
    `target_session_attrs=read-write`.
    """

    def only_read(
        execute: Callable[..., object], sql: object, params: object, many: bool, context: dict[str, BaseDatabaseWrapper]
    ) -> object:
        connection = context["connection"]
        if str(sql).startswith(SAVEPOINTS):
            return execute(sql, params, many, context)
        with atomic(using=connection.alias, savepoint=False):
            _only_read_in_this_transaction(connection)
            return execute(sql, params, many, context)

    def watch(connection: BaseDatabaseWrapper, **others: object) -> None:
        if connection.vendor in ASKS and only_read not in connection.execute_wrappers:
            connection.execute_wrappers.append(only_read)

    connection_created.connect(watch, weak=False)
    for kind in {type(connections[alias]) for alias in connections if connections[alias].vendor == "sqlite"}:
        kind.get_connection_params = _only_to_be_read(kind.get_connection_params)


def _only_read_in_this_transaction(connection: BaseDatabaseWrapper) -> None:
    with connection.connection.cursor() as cursor:
        try:
            cursor.execute("SET TRANSACTION READ ONLY")
        except Exception as problem:
            # MySQL takes that before the first statement alone: it was said then.
            if problem.args[:1] != (BEGUN_ALREADY,):
                raise


def _only_to_be_read(asked: Callable[..., dict[str, object]]) -> Callable[..., dict[str, object]]:
    """How a SQLite file is opened, so that it is not written to, and not made where there is none."""

    def params(connection: BaseDatabaseWrapper) -> dict[str, object]:
        told = asked(connection)
        file = str(told["database"])
        if not file.startswith("file:") and file != MEMORY:
            told.update(database=address_of(file), uri=True)
        return told

    return params


def address_of(file: str) -> str:
    """The address at which a SQLite file is only read; of an empty database where there is none."""
    try:
        with open(file, "rb") as opened:
            version = opened.read(WAL_AT + 1)[WAL_AT:]
    except OSError:
        return MEMORY
    # A file that has a log, and nobody who has that open just now: to open it would make the log anew.
    alone = version == b"\2" and not os.path.exists(f"{file}-shm")
    return f"file:{quote(file)}?mode=ro" + ("&immutable=1" if alone else "")
