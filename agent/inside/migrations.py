"""Migrations: what is applied and what would be, and applying them.

A migration is told as [app, name], and in another database than the default one as [app, name, alias].
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from .databases import aliases, database
from .locks import WAITED
from .operations import described
from .protocol import DEFAULT, Database, Migrated, Migration, Migrations, Name, Reapplied

if TYPE_CHECKING:
    from django.db.migrations import Migration as Applied

Key = tuple[str, str]


def executor_for(alias: str) -> MigrationExecutor:
    """Django's own executor of migrations, for a database as it is now."""
    return MigrationExecutor(connections[alias])


def migrations() -> Migrations:
    """Read what is applied, what the code has, and what it would apply, in order; of each database that it migrates."""
    databases: list[Database] = []
    applied: list[Name] = []
    unknown: list[Name] = []
    pending: list[Migration] = []
    inconsistent: list[str] = []
    conflicts: dict[str, set[str]] = {}
    loader = None
    for alias in aliases():
        executor = executor_for(alias)
        loader = executor.loader
        conflicts = loader.detect_conflicts()
        databases.append(database(alias))
        inconsistent += _inconsistent(loader, alias)
        plan = [] if conflicts else executor.migration_plan(loader.graph.leaf_nodes())
        applied += named(alias, loader.applied_migrations)
        unknown += unknown_in(alias, loader)
        pending += described(executor, [migration for migration, _ in plan])
    # A project may have no database at all.
    loader = loader or of_code()
    return Migrations(
        tuple(databases),
        tuple(applied),
        tuple(unknown),
        tuple(pending),
        tuple(inconsistent),
        conflicts={app: tuple(sorted(names)) for app, names in conflicts.items()},
        code=_code_folder(loader),
        known=tuple(sorted(loader.disk_migrations)),
        replaced=tuple(sorted(tuple(pair) for one in loader.disk_migrations.values() for pair in one.replaces)),
    )


def of_code() -> MigrationLoader:
    """The migrations of the code, whatever is applied of them; no database is asked."""
    return MigrationLoader(None)


def unknown_in(alias: str, loader: MigrationLoader) -> list[Name]:
    """What is applied in a database and not in this code."""
    return named(alias, set(loader.applied_migrations) - with_squashed(loader, loader.disk_migrations))


def _inconsistent(loader: MigrationLoader, alias: str) -> list[str]:
    """Why a database's history does not fit the migrations, so that nothing could be migrated."""
    try:
        loader.check_consistent_history(connections[alias])
    except InconsistentMigrationHistory as problem:
        return [str(problem)]
    return []


def _code_folder(loader: MigrationLoader) -> tuple[str, ...]:
    """Where the project's own code was imported from: the folders, not those of installed packages, of apps that have
    migrations and of what its addresses lead to."""
    modules = [type(migration).__module__ for migration in loader.disk_migrations.values()]
    apps = {os.path.dirname(os.path.dirname(file)) for file in map(_file_of, modules) if file}
    urls = _file_of(str(getattr(settings, "ROOT_URLCONF", "")))
    return tuple(sorted(apps | ({os.path.dirname(urls)} if urls else set())))


def _file_of(module: str) -> str:
    """The file of a module of the project's own that is loaded; empty where there is none."""
    file = getattr(sys.modules.get(module), "__file__", None)
    path = os.path.realpath(file) if file else ""
    return "" if "/site-packages/" in path else path


def migrate() -> Migrated:
    """Apply what is pending, and read the migrations again."""
    for alias in aliases():
        executor = executor_for(alias)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", database=alias, interactive=False, verbosity=1)
    return Migrated(**vars(migrations()), waited=tuple(WAITED))


def reapply(wanted: str) -> Reapplied:
    """Apply again what was taken back, and nothing else.

    + wanted: what is to be applied, a JSON list; null for all that this code has
    """
    told = json.loads(wanted)
    applied: list[Name] = []
    wrong: list[Name] = []
    for alias in aliases():
        executor = executor_for(alias)
        loader = executor.loader
        everything = {*loader.applied_migrations, *loader.disk_migrations}
        keys = with_squashed(loader, everything if told is None else of_database(alias, told))
        plan = [step for step in executor.migration_plan(loader.graph.leaf_nodes()) if key_of(step[0]) in keys]
        executor.migrate([], plan=plan)
        after = executor_for(alias).loader
        applied += named(alias, [key_of(migration) for migration, _ in plan])
        wrong += named(alias, with_squashed(after, after.applied_migrations) ^ keys)
    return Reapplied(tuple(applied), tuple(wrong), tuple(WAITED))


def named(alias: str, pairs: Iterable[Key]) -> list[Name]:
    """Migrations of a database, sorted, as they are told."""
    return sorted(pair if alias == DEFAULT else (*pair, alias) for pair in pairs)


def of_database(alias: str, names: Iterable[list[str]]) -> set[Key]:
    """Those of told migrations that are of a database."""
    return {(one[0], one[1]) for one in names if (one[2] if len(one) > 2 else DEFAULT) == alias}


def key_of(migration: Applied) -> Key:
    """A migration's app and name."""
    return migration.app_label, migration.name


def squashed(loader: MigrationLoader) -> set[Key]:
    """The migrations of this code that replace others."""
    return {key for key, migration in loader.disk_migrations.items() if migration.replaces}


def with_squashed(loader: MigrationLoader, names: Iterable[Key]) -> set[Key]:
    """Names of applied migrations, where a squashed one stands for those that it replaces, and all of those for it."""
    found = set(names)
    before = None
    while found != before:
        before = set(found)
        for key, migration in loader.disk_migrations.items():
            replaced = {tuple(pair) for pair in migration.replaces}
            if replaced and key in found:
                found |= replaced
            elif replaced and replaced <= found:
                found.add(key)
    return found
