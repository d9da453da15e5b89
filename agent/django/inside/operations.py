"""Migrations and their operations, as `migrations.risk` of the agent has them.

Django is imported where it is needed: the agent asks for `narrows` where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def described(executor: Any, plan: list[Any]) -> list[dict[str, Any]]:
    """The migrations of a plan, each with its operations as `migrations.risk` has them."""
    state = executor._create_project_state(with_applied_migrations=True)
    found = []
    for migration in plan:
        told = with_operations(migration, state, executor.connection)
        steps = len(told["operations"])
        halfway = not migration.atomic or (steps > 1 and not executor.connection.features.can_rollback_ddl)
        found.append({**told, "halfway": halfway and steps > 0})
    return found


def with_operations(migration: Any, state: Any, connection: Any) -> dict[str, Any]:
    """A migration with those of its operations that do something in a database.

    + state: the models before it, moved on to after it; None where they don't matter
    """
    operations, loses, alias = [], False, connection.alias
    for operation in migration.operations:
        if _is_for(alias, operation, migration.app_label):
            operations.append(_operation(operation, migration.app_label, state))
            loses = loses or (state is not None and _loses(operation, operations[-1], state, connection))
        if state is not None:
            operation.state_forwards(migration.app_label, state)
    idle = not operations
    return {**_describe(migration), "database": alias, "operations": operations, "idle": idle, "loses": loses}


def _describe(migration: Any) -> dict[str, Any]:
    return {
        "app": migration.app_label,
        "name": migration.name,
        "reversible": all(map(_reversible, migration.operations)),
        "atomic": migration.atomic,
    }


def _reversible(operation: Any) -> bool:
    inside = getattr(operation, "database_operations", ())
    return bool(operation.reversible) and all(map(_reversible, inside))


def _operation(operation: Any, app: str, state: Any) -> dict[str, Any]:
    """An operation as `migrations.risk` describes it."""
    kind = type(operation).__name__
    name = getattr(operation, "name", None) or getattr(operation, "old_name", None) or ""
    found = {
        "app": app,
        "kind": kind,
        "says": operation.describe(),
        "model": str(getattr(operation, "model_name", None) or name),
        "name": str(name),
        "reversible": _reversible(operation),
    }
    if getattr(operation, "field", None) is not None:
        found["field"] = _field(operation.field)
    if kind == "AlterField" and state is not None:
        models = state.models.get((app, operation.model_name.lower()))
        was = models and dict(models.fields).get(operation.name)
        found["was"] = _field(was) if was is not None else None
    if kind in ("AlterUniqueTogether", "AlterIndexTogether"):
        found["adds"] = bool(getattr(operation, operation.option_name, True))
    if kind == "RunPython":
        found["does_nothing"] = operation.code is type(operation).noop
    if kind == "RunSQL":
        found["does_nothing"] = not operation.sql
    if kind == "SeparateDatabaseAndState":
        found["inside"] = [_operation(one, app, state) for one in operation.database_operations]
    return found


def _field(field: Any) -> dict[str, Any]:
    """A field's class, and those of its arguments that are plain."""
    _, path, _, arguments = field.deconstruct()
    plain = {key: value for key, value in arguments.items() if isinstance(value, (bool, int, str, type(None)))}
    others = {key: True for key in arguments if key not in plain}
    return {**others, **plain, "class": path.rsplit(".", 1)[-1]}


def _loses(operation: Any, told: dict[str, Any], state: Any, connection: Any) -> bool:
    """Whether an operation discards something that is stored now, which reversing it does not bring back."""
    kind, app = told["kind"], told["app"]
    if kind == "SeparateDatabaseAndState":
        pairs = zip(operation.database_operations, told["inside"])
        return any(_loses(one, inside, state, connection) for one, inside in pairs)
    if kind not in ("RemoveField", "DeleteModel") and not (kind == "AlterField" and narrows(told)):
        return False
    model = state.apps.get_model(app, told["model"])
    stored = model
    if kind == "RemoveField":
        field = model._meta.get_field(told["name"])
        stored = field.remote_field.through if field.many_to_many else model
    if stored._meta.db_table not in connection.introspection.table_names():
        return False
    rows = stored._base_manager.using(connection.alias)
    if kind == "RemoveField" and stored is model and field.null:
        rows = rows.exclude(**{field.attname: None})
    return bool(rows.exists())


def narrows(told: Mapping[str, Any]) -> bool:
    """Whether a column takes less than before, or is filled where it was empty."""
    was, now = told.get("was") or {}, told.get("field") or {}
    if was.get("class") != now.get("class") or (was.get("null") and not now.get("null")):
        return True
    sizes = [(was.get(key), now.get(key)) for key in ("max_length", "max_digits", "decimal_places")]
    return any(after is not None and (before is None or after < before) for before, after in sizes)


def _is_for(alias: str, operation: Any, app: str) -> bool:
    """Whether an operation does something in a database, as the project's routers have it."""
    from django.apps import apps
    from django.db import router
    from django.db.migrations.operations.base import Operation
    from django.db.migrations.operations.models import ModelOperation

    if type(operation).__name__ == "SeparateDatabaseAndState":
        return any(_is_for(alias, one, app) for one in operation.database_operations)
    options = getattr(operation, "options", None) or {}
    if type(operation).__name__ == "CreateModel" and (options.get("proxy") or not options.get("managed", True)):
        return False
    name = getattr(operation, "model_name", None) or getattr(operation, "new_name", None)
    if name is None and isinstance(operation, ModelOperation):
        name = operation.name
    if name is None or not isinstance(operation, Operation):
        return bool(router.allow_migrate(alias, app, **(getattr(operation, "hints", None) or {})))
    try:
        return bool(router.allow_migrate_model(alias, apps.get_model(app, name)))
    except LookupError:
        return bool(router.allow_migrate(alias, app, model_name=name.lower()))
