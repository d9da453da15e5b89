"""A Django project in a folder, with SQLite, to ask our part that runs inside of Django. Nothing of it is a host."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.django import manage_shim
from agent.inside.protocol import RESULT_PREFIX

MANAGE = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line([])
"""
SETTINGS = """
from pathlib import Path
HERE = Path(__file__).parent
SECRET_KEY = "only for this test"
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    {more}
    dependencies = {needs!r}
    replaces = {replaces!r}
    operations = [{operations}]
"""
FIELD = "('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID'))"


@dataclass
class Project:
    """A project, and the migrations of its apps as they are in its code just now.

    + databases: the file of each alias
    + router: the source of a module with a class `Router`, if it has one; more: what its settings have besides
    """

    folder: Path
    databases: Sequence[str] = ("default",)
    apps: Sequence[str] = ("items",)
    router: str = ""
    more: str = ""
    models: dict[str, str] = field(default_factory=dict)
    migrations: dict[str, dict[str, str]] = field(default_factory=dict)

    def write(self) -> None:
        """Write all of it, and nothing that was there before but the databases."""
        for app in self.apps:
            shutil.rmtree(self.folder / app, ignore_errors=True)
            files = {"__init__": "", "models": self.models.get(app, ""), "migrations/__init__": ""}
            files |= {f"migrations/{name}": text for name, text in self.migrations.get(app, {}).items()}
            for name, text in files.items():
                path = self.folder / app / f"{name}.py"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        names = {
            alias: f'{{"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "{alias}.db"}}'
            for alias in self.databases
        }
        lines = [SETTINGS, f"INSTALLED_APPS = {[*self.apps]!r}"]
        lines.append("DATABASES = {" + ", ".join(f"{alias!r}: {text}" for alias, text in names.items()) + "}")
        if self.router:
            (self.folder / "routers.py").write_text(self.router)
            lines.append("DATABASE_ROUTERS = ['routers.Router']")
        (self.folder / "settings.py").write_text("\n".join([*lines, self.more]))
        (self.folder / "urls.py").write_text("urlpatterns = []\n")
        (self.folder / "manage.py").write_text(MANAGE)

    def has(self, app: str, **migrations: str) -> None:
        """Have the code of an app consist of these migrations."""
        self.migrations[app] = migrations
        self.write()

    def ask(self, verb: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What a verb of ours finds."""
        done = self.run(verb, *arguments, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        said = [line[len(RESULT_PREFIX) :] for line in done.stdout.splitlines() if line.startswith(RESULT_PREFIX)]
        found: dict[str, Any] = json.loads(said[-1])
        return found

    def run(
        self, verb: str, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb of ours; what is no text goes as JSON."""
        with self.started(verb, *arguments, environment=environment) as process:
            said, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, said, errors)

    def started(
        self, verb: str, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """The same, while it runs."""
        words = [one if isinstance(one, str) else json.dumps(one) for one in arguments]
        argv = [sys.executable, str(manage_shim.__file__), str(self.folder / "manage.py"), verb, *words]
        everything = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=self.folder, env=everything, stdout=pipe, stderr=pipe, text=True)

    def query(self, statement: str, alias: str = "default") -> list[tuple[Any, ...]]:
        """Ask a database."""
        connection = sqlite3.connect(self.folder / f"{alias}.db")
        with connection:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows

    def recorded(self, alias: str = "default") -> list[str]:
        """The names of the migrations that are recorded as applied, sorted."""
        return sorted(name for (name,) in self.query("select name from django_migrations", alias))

    def tables(self, alias: str = "default") -> list[str]:
        """The tables of a database but Django's own list, sorted."""
        rows = self.query("select name from sqlite_master where type = 'table'", alias)
        return sorted(name for (name,) in rows if name != "django_migrations" and not name.startswith("sqlite_"))


def migration(
    *operations: str,
    needs: Sequence[tuple[str, str]] = (),
    replaces: Sequence[tuple[str, str]] = (),
    more: str = "",
) -> str:
    """The source of a migration."""
    listed = ", ".join(operations)
    return MIGRATION.format(more=more, needs=list(needs), replaces=list(replaces), operations=listed)


def makes(model: str) -> str:
    """The operation that makes a table."""
    return f"migrations.CreateModel({model!r}, [{FIELD}])"


def adds(model: str, column: str) -> str:
    """The operation that adds a column."""
    return f"migrations.AddField({model!r}, {column!r}, models.TextField(null=True))"


def names(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of migrations, in order."""
    return [str(one["name"]) for one in found]
