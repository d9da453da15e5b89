"""The system checks, and what of a project they don't check: where it writes, and what no migration makes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db import connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ProjectState
from django.db.models import FileField

from .migrations import migrations, of_code
from .protocol import Checks, Writes

if TYPE_CHECKING:
    from django.core.checks import CheckMessage


def checks() -> Checks:
    """Run the system checks and read the migrations."""

    def texts(messages: Iterable[CheckMessage]) -> tuple[str, ...]:
        return tuple(str(message) for message in messages if not message.is_silenced())

    # Those for a deployment come with all others.
    found = run_checks(include_deployment_checks=True)
    return Checks(
        **vars(migrations()),
        errors=texts(message for message in found if message.level >= ERROR),
        warnings=texts(message for message in found if message.level < ERROR),
        writes=Writes(uploads(), _sqlite_files()),
        unwritten=_unwritten(),
        filled=filled(),
    )


def filled() -> tuple[str, ...]:
    """What the project's own settings leave open and its config has set, where that was made of the code."""
    return tuple(getattr(settings, "SWITCHBACK_SET", ()))


def _unwritten() -> tuple[str, ...]:
    """What the models of the project's own apps have that no migration makes, as `makemigrations --check` finds it."""
    own = {config.label for config in apps.get_app_configs() if "/site-packages/" not in os.path.realpath(config.path)}
    loader = of_code()
    own &= loader.migrated_apps
    try:
        changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(loader.graph)
    except Exception as problem:  # noqa: BLE001 - whatever keeps it from being told, it is no more than a hint
        return (f"can't be told: {type(problem).__name__}",)
    return tuple(
        f"{app}: {operation.describe()}"
        for app in sorted(own & set(changes))
        for migration in changes[app]
        for operation in migration.operations
    )


def uploads() -> dict[str, str]:
    """Where each field that takes files puts them, of those that go into a folder."""
    found = {}
    for model in apps.get_models():
        for field in model._meta.local_fields:
            location = getattr(field.storage, "location", None) if isinstance(field, FileField) else None
            if isinstance(location, (str, os.PathLike)) and os.path.isabs(location):
                found[f"{model._meta.label}.{field.name}"] = os.fspath(location)
    return found


def _sqlite_files() -> dict[str, str]:
    """The files of those databases that are files."""
    names = {alias: str(connections.databases[alias].get("NAME", "")) for alias in connections}
    return {
        alias: name for alias, name in names.items() if connections[alias].vendor == "sqlite" and os.path.isabs(name)
    }
