"""The part that runs inside Django: started with a version's own Python, through that version's own manage.py.

    python django_side.py MANAGE_PY VERB [ARGUMENT]

It imports nothing of the agent, since the version's Python knows nothing of it. What it finds goes to standard output
as one marked line of JSON, whatever else the app prints.
"""

import json
import os
import runpy
import sys

MARK = "switchback-result: "


def main() -> None:
    """Let manage.py set everything up as it always does, then do our work in the place of its own."""
    manage, verb, arguments = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    # Python put this file's folder first; names of ours must not shadow the app's.
    sys.path[0] = os.path.dirname(manage)
    from django.core import management  # noqa: PLC0415

    def ours(argv=None):  # type: ignore[no-untyped-def]
        import django  # noqa: PLC0415

        django.setup()
        print(MARK + json.dumps(VERBS[verb](*arguments)))  # type: ignore[operator]

    management.execute_from_command_line = ours
    sys.argv = [manage, verb]
    runpy.run_path(manage, run_name="__main__")


def static(root):  # type: ignore[no-untyped-def]
    """Collect the static files into a version, whatever STATIC_ROOT says; and do what `checks` does.

    All in one start of Django: to start it takes longer than any of this.
    """
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    found = checks()
    settings.STATIC_ROOT = root
    call_command("collectstatic", interactive=False, verbosity=1, skip_checks=True)
    return {"files": sum(len(files) for _, _, files in os.walk(root)), "checks": found}


def checks():  # type: ignore[no-untyped-def]
    """Run the system checks and read the migrations."""
    from django.core.checks import ERROR, run_checks  # noqa: PLC0415

    def texts(messages):  # type: ignore[no-untyped-def]
        return [str(message) for message in messages if not message.is_silenced()]

    plain = run_checks()
    known = {str(message) for message in plain}
    deploy = [message for message in run_checks(include_deployment_checks=True) if str(message) not in known]
    everything = plain + deploy
    return {
        "errors": texts(message for message in everything if message.level >= ERROR),
        "warnings": texts(message for message in everything if message.level < ERROR),
        **migrations(),
    }


def migrations():  # type: ignore[no-untyped-def]
    """Read what is applied, what the code has, and what it would apply, in order."""
    executor = _executor()
    loader = executor.loader
    conflicts = loader.detect_conflicts()
    plan = [] if conflicts else executor.migration_plan(loader.graph.leaf_nodes())
    return {
        "applied": sorted([app, name] for app, name in loader.applied_migrations),
        "known": sorted([app, name] for app, name in loader.disk_migrations),
        "conflicts": {app: sorted(names) for app, names in conflicts.items()},
        "pending": _described(executor, [migration for migration, _ in plan]),
    }


def migrate():  # type: ignore[no-untyped-def]
    """Apply what is pending, and read the migrations again."""
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", interactive=False, verbosity=1)
    return migrations()


def unapply(wanted):  # type: ignore[no-untyped-def]
    """Go back until nothing is applied but what was.

    + wanted: what is to stay applied, a JSON list of [app, name]
    """
    keep = {tuple(pair) for pair in json.loads(wanted)}
    executor = _executor()
    extra = set(executor.loader.applied_migrations) - keep
    plan = _backwards(executor.loader, extra)
    if plan:
        executor.migrate([], plan=plan)
    left = set(_executor().loader.applied_migrations)
    return {"unapplied": sorted(map(list, extra - left)), "wrong": sorted(map(list, left ^ keep))}


def _backwards(loader, extra):  # type: ignore[no-untyped-def]
    """The plan that takes back these migrations and no others, dependents first."""
    unknown = sorted(extra - set(loader.graph.nodes))
    if unknown:
        raise SystemExit(f"this code does not have, and so can't take back: {unknown}")
    order = []  # type: ignore[var-annotated]
    for key in sorted(extra):
        order.extend(other for other in loader.graph.backwards_plan(key) if other in extra and other not in order)
    return [(loader.graph.nodes[key], True) for key in order]


def _executor():  # type: ignore[no-untyped-def]
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    return MigrationExecutor(connection)


def _describe(migration):  # type: ignore[no-untyped-def]
    return {
        "app": migration.app_label,
        "name": migration.name,
        "reversible": all(operation.reversible for operation in migration.operations),
        "atomic": migration.atomic,
    }


def _described(executor, plan):  # type: ignore[no-untyped-def]
    """The migrations of a plan, each with its operations as migration_risk has them."""
    state = executor._create_project_state(with_applied_migrations=True)
    found = []
    for migration in plan:
        operations = []
        for operation in migration.operations:
            operations.append(_operation(operation, migration.app_label, state))
            operation.state_forwards(migration.app_label, state)
        found.append({**_describe(migration), "operations": operations})
    return found


def _operation(operation, app, state):  # type: ignore[no-untyped-def]
    """An operation as migration_risk describes it."""
    kind = type(operation).__name__
    name = getattr(operation, "name", None) or getattr(operation, "old_name", None) or ""
    found = {
        "app": app,
        "kind": kind,
        "says": operation.describe(),
        "model": str(getattr(operation, "model_name", None) or name),
        "name": str(name),
        "reversible": bool(operation.reversible),
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


def _field(field):  # type: ignore[no-untyped-def]
    """A field's class, and those of its arguments that are plain."""
    _, path, _, arguments = field.deconstruct()
    plain = {key: value for key, value in arguments.items() if isinstance(value, (bool, int, str, type(None)))}
    others = {key: True for key in arguments if key not in plain}
    return {**others, **plain, "class": path.rsplit(".", 1)[-1]}


VERBS = {"static": static, "checks": checks, "migrations": migrations, "migrate": migrate, "unapply": unapply}

if __name__ == "__main__":
    main()
