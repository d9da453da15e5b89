"""Migrations and their operations, as they are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import router
from django.db.migrations.operations.base import Operation as Done
from django.db.migrations.operations.models import ModelOperation

from .protocol import Field, Migration, Operation

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.migrations import Migration as Applied
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.state import ProjectState
    from django.db.models import Field as ModelField


def described(executor: MigrationExecutor, plan: Iterable[Applied]) -> list[Migration]:
    """The migrations of a plan, each with its operations."""
    state = executor._create_project_state(with_applied_migrations=True)
    found = []
    for migration in plan:
        told = with_operations(migration, state, executor.connection)
        steps = len(told.operations)
        halfway = not migration.atomic or (steps > 1 and not executor.connection.features.can_rollback_ddl)
        found.append(replace(told, halfway=halfway and steps > 0))
    return found


def with_operations(migration: Applied, state: ProjectState | None, connection: BaseDatabaseWrapper) -> Migration:
    """A migration with those of its operations that do something in a database.

    + state: the models before it, moved on to after it; None where they don't matter
    """
    operations: list[Operation] = []
    loses, alias = False, connection.alias
    for operation in migration.operations:
        if _is_for(alias, operation, migration.app_label):
            operations.append(_operation(operation, migration.app_label, state, connection.vendor == "sqlite"))
            loses = loses or (state is not None and _loses(operation, operations[-1], state, connection))
        if state is not None:
            operation.state_forwards(migration.app_label, state)
    return Migration(
        migration.app_label,
        migration.name,
        reversible=all(map(_reversible, migration.operations)),
        atomic=migration.atomic,
        operations=tuple(operations),
        database=alias,
        idle=not operations,
        loses=loses,
    )


def _reversible(operation: Done) -> bool:
    inside = getattr(operation, "database_operations", ())
    return bool(operation.reversible) and all(map(_reversible, inside))


def _operation(operation: Done, app: str, state: ProjectState | None, in_file: bool) -> Operation:
    kind = type(operation).__name__
    name = getattr(operation, "name", None) or getattr(operation, "old_name", None) or ""
    was, adds, does_nothing = None, True, False
    if kind == "AlterField" and state is not None:
        models = state.models.get((app, operation.model_name.lower()))
        was = models and dict(models.fields).get(operation.name)
    if kind in ("AlterUniqueTogether", "AlterIndexTogether"):
        adds = bool(getattr(operation, operation.option_name, True))
    if kind == "RunPython":
        does_nothing = operation.code is type(operation).noop
    if kind == "RunSQL":
        does_nothing = not operation.sql
    inside = operation.database_operations if kind == "SeparateDatabaseAndState" else ()
    return Operation(
        app,
        kind,
        operation.describe(),
        _reversible(operation),
        model=str(getattr(operation, "model_name", None) or name),
        name=str(name),
        field=_field(getattr(operation, "field", None)),
        was=_field(was),
        adds=adds,
        does_nothing=does_nothing,
        inside=tuple(_operation(one, app, state, in_file) for one in inside),
        in_file=in_file,
    )


def _field(field: ModelField | None) -> Field | None:
    """A field's class, and those of its arguments that are plain."""
    if field is None:
        return None
    _, path, _, arguments = field.deconstruct()
    plain = {key: value for key, value in arguments.items() if isinstance(value, (bool, int, str, type(None)))}
    others = {key: True for key in arguments if key not in plain}
    return {**others, **plain, "class": path.rsplit(".", 1)[-1]}


def _loses(operation: Done, told: Operation, state: ProjectState, connection: BaseDatabaseWrapper) -> bool:
    """Whether an operation discards something that is stored now, which reversing it does not bring back."""
    kind = told.kind
    if kind == "SeparateDatabaseAndState":
        pairs = zip(operation.database_operations, told.inside)
        return any(_loses(one, inside, state, connection) for one, inside in pairs)
    if kind not in ("RemoveField", "DeleteModel") and not (kind == "AlterField" and told.narrows):
        return False
    model = state.apps.get_model(told.app, told.model)
    stored = model
    if kind == "RemoveField":
        field = model._meta.get_field(told.name)
        stored = field.remote_field.through if field.many_to_many else model
    if stored._meta.db_table not in connection.introspection.table_names():
        return False
    rows = stored._base_manager.using(connection.alias)
    if kind == "RemoveField" and stored is model and field.null:
        rows = rows.exclude(**{field.attname: None})
    return bool(rows.exists())


def _is_for(alias: str, operation: Done, app: str) -> bool:
    """Whether an operation does something in a database, as the project's routers have it."""
    if type(operation).__name__ == "SeparateDatabaseAndState":
        return any(_is_for(alias, one, app) for one in operation.database_operations)
    options = getattr(operation, "options", None) or {}
    if type(operation).__name__ == "CreateModel" and (options.get("proxy") or not options.get("managed", True)):
        return False
    name = getattr(operation, "model_name", None) or getattr(operation, "new_name", None)
    if name is None and isinstance(operation, ModelOperation):
        name = operation.name
    if name is None or not isinstance(operation, Done):
        return bool(router.allow_migrate(alias, app, **(getattr(operation, "hints", None) or {})))
    try:
        return bool(router.allow_migrate_model(alias, apps.get_model(app, name)))
    except LookupError:
        return bool(router.allow_migrate(alias, app, model_name=name.lower()))
