"""Taking migrations back: which of them, in which order, and doing it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import migrations as kinds
from django.db.migrations.recorder import MigrationRecorder

from .databases import aliases, database, tables
from .locks import WAITED
from .migrations import Key, executor_for, key_of, named, of_database, squashed, with_squashed
from .operations import with_operations
from .protocol import Leaving, Name, Unapplied

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations import Migration
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.operations.base import Operation
    from django.db.migrations.state import ProjectState


def leaving(known: str) -> Leaving:
    """Say what is applied that another version does not know, and what of it this code can take back.

    + known: the migrations of that version, a JSON list of [app, name]
    """
    pairs = {tuple(pair) for pair in json.loads(known)}
    found = Leaving((), (), (), ())
    for alias in aliases():
        loader = executor_for(alias).loader
        applied = with_squashed(loader, loader.applied_migrations)
        _, plan, unknown = _way_back(loader, applied & with_squashed(loader, pairs))
        found = Leaving(
            (*found.databases, database(alias)),
            (*found.applied, *named(alias, loader.applied_migrations)),
            (*found.leaving, *(with_operations(one, None, loader.connection) for one in plan)),
            (*found.unknown, *named(alias, unknown)),
        )
    return found


@dataclass
class _Done:
    unapplied: list[Name] = field(default_factory=list)
    wrong: list[Name] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)


def unapply(wanted: str, emptied: str = "") -> Unapplied:
    """Go back until nothing is applied but what was.

    + wanted: what is to stay applied, a JSON list as `migrations` has it
    + emptied: whether there was no table before: then nothing is lost with what has no way back
    """
    _render_all_models_before_code_goes_back()
    done = _Done()
    for alias in reversed(aliases()):
        _unapply_in(alias, of_database(alias, json.loads(wanted)), bool(emptied), done)
    return Unapplied(tuple(aliases()), tuple(done.unapplied), tuple(done.wrong), tuple(done.tables), tuple(WAITED))


def _unapply_in(alias: str, wanted: set[Key], emptied: bool, done: _Done) -> None:
    loader = executor_for(alias).loader
    keep = with_squashed(loader, wanted)
    extra = with_squashed(loader, loader.applied_migrations) - keep
    executor, plan, unknown = _way_back(loader, keep)
    if unknown:
        names = ", ".join(".".join(name) for name in named(alias, unknown))
        raise SystemExit(f"this code does not have, and so can't take back: {names}")
    for migration in plan if emptied else ():
        migration.operations = [_with_a_way_back(one) for one in migration.operations]
    if plan:
        executor.migrate([], plan=[(migration, True) for migration in plan])
    # A squashed migration has a line of its own beside those of what it replaces, which may have gone one by one.
    for key in extra & squashed(loader):
        executor.recorder.record_unapplied(*key)
    after = executor_for(alias).loader
    left = with_squashed(after, after.applied_migrations)
    done.unapplied += named(alias, extra - left)
    done.wrong += named(alias, left ^ keep)
    done.tables += tables(executor.connection) if emptied else []


def _render_all_models_before_code_goes_back() -> None:
    """Have a migration's own code find models that know each other, backward as well as forward.

    Django leaves models unrendered while it computes states. On the way forward it renders them before it runs such
    code, on the way back it does not: there a query from one model to another can fail, 'Must be "X" instance'.
    """
    goes_back = kinds.RunPython.database_backwards

    def rendered(
        self: Operation,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        from_state.clear_delayed_apps_cache()
        goes_back(self, app_label, schema_editor, from_state, to_state)

    kinds.RunPython.database_backwards = rendered


def _with_a_way_back(operation: Operation) -> Operation:
    """An operation that can be reversed: one of the project's own code that can't has nothing to undo in what goes."""
    if isinstance(operation, kinds.SeparateDatabaseAndState):
        operation.database_operations = [_with_a_way_back(one) for one in operation.database_operations]
    elif isinstance(operation, kinds.RunPython) and not operation.reversible:
        operation.reverse_code = kinds.RunPython.noop
    elif isinstance(operation, kinds.RunSQL) and not operation.reversible:
        operation.reverse_sql = kinds.RunSQL.noop
    return operation


def _way_back(loader: MigrationLoader, keep: set[Key]) -> tuple[MigrationExecutor, list[Migration], set[Key]]:
    """How to go back to what is to stay applied.

    Returns the executor, the migrations to be taken back, dependents first, and what is applied that this code lacks.
    The order is that of Django's own plan from nothing to everything, backwards: so each migration's own code finds the
    tables of all models that its state has.
    """
    applied = with_squashed(loader, loader.applied_migrations)
    extra = applied - keep
    executor = _executor_where_only(loader.connection.alias, keep)
    # In the graph of where it goes, a squashed migration is one only where all that it replaces goes, or stays.
    graph = executor.loader.graph
    executor.loader.applied_migrations = dict.fromkeys(applied)
    forwards = executor.migration_plan(graph.leaf_nodes(), clean_start=True)
    plan = [key_of(migration) for migration, _ in reversed(forwards) if key_of(migration) in extra]
    # A squashed one that is none there goes with its parts.
    gone = with_squashed(loader, [*keep, *plan]) | (squashed(loader) - set(graph.nodes))
    return executor, [graph.nodes[key] for key in plan], extra - gone


def _executor_where_only(alias: str, keep: set[Key]) -> MigrationExecutor:
    """An executor for a database in which nothing would be applied but this."""
    recorded = MigrationRecorder.applied_migrations
    MigrationRecorder.applied_migrations = lambda recorder: {
        key: value for key, value in recorded(recorder).items() if key in keep
    }
    try:
        return executor_for(alias)
    finally:
        MigrationRecorder.applied_migrations = recorded
