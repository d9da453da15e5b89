"""Asking an app's own Django what a version would do, without letting it do anything."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agent.django.manage import said_in
from agent.host.command import CommandFailed, Runner
from agent.host.files import put
from agent.host.reading import read_text, walk
from agent.host.users import acting_as
from agent.inside import MODULES, PACKAGES
from agent.inside.protocol import Foreseen, Migration, Operation, Question
from agent.migrations import sources
from agent.migrations.names import label
from agent.migrations.risk import risks, with_new_tables
from agent.text.own import source_of
from agent.words.shapes import to_json

# How long Django may take to answer, seconds.
LIMIT = 30.0
# How large a migration is that anybody has written, bytes.
LARGEST = 1_000_000
# What is started, once it is laid out.
SHIM = "django/manage_shim.py"
# No bytecode beside the app's sources.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def ask(runner: Runner, room: Path, python: Path, config: Path, question: Question) -> Foreseen:
    """What an app's Django foresees. Raises CommandFailed where it can't be asked.

    + python: the interpreter that the app runs with
    + config: the directory of its manage.py
    """
    side = room / SHIM
    manage = config / "manage.py"
    for needed in (python, manage):
        if not needed.exists():
            raise CommandFailed(f"{needed} is not there", "")
    runner = replace(runner, until=min(runner.until, time.time() + LIMIT))
    argv = [str(python), str(side), str(manage), "foresee", to_json(question)]
    return said_in(runner.run(argv, cwd=config, env=NO_BYTECODE), Foreseen, "our question")


def lay_out(runner: Runner, room: Path) -> None:
    """Put our part of the conversation where the app's Python can read it."""
    texts = {"inside/__init__.py": source_of("agent.inside"), SHIM: source_of("agent.django.manage_shim")}
    texts.update({f"inside/{name}/__init__.py": source_of(f"agent.inside.{name}") for name in PACKAGES})
    texts.update({f"inside/{name.replace('.', '/')}.py": source_of(f"agent.inside.{name}") for name in MODULES})
    with acting_as(runner.user or "root"):
        for file, text in texts.items():
            (room / file).parent.mkdir(parents=True, exist_ok=True)
            put(room / file, text.encode())


def with_risks(migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """Migrations with the risks of each operation, and less of what only those needed. Pure."""
    marked = iter(with_new_tables([one for migration in migrations for one in migration.operations]))
    return tuple(_with_risks(one, [next(marked) for _ in one.operations]) for one in migrations)


def _with_risks(migration: Migration, operations: Sequence[Operation]) -> Migration:
    told = tuple(Operation(one.app, one.kind, one.says, risks=tuple(risks(one))) for one in operations)
    return replace(migration, operations=told)


def _text_of(path: Path) -> str:
    """A migration's text; nothing where it is no file that can be read."""
    try:
        return read_text(path, LARGEST)
    except OSError:
        return ""


def from_files(code: Path, applied: Sequence[Sequence[str]]) -> tuple[tuple[Migration, ...], tuple[str, ...]]:
    """What the migration files of a checkout would apply, and the names of what is applied that it lacks."""
    files, until = {}, time.monotonic() + LIMIT
    for path in sorted(Path(name) for name, _ in walk(str(code), until=until) if name.endswith(".py")):
        if path.parent.name == "migrations" and path.stem != "__init__":
            key = (path.parent.parent.name, path.stem)
            files[key] = sources.describe(*key, _text_of(path) if time.monotonic() < until else "")
    # The files don't tell of another database than the default one.
    pending, missing = sources.pending(files, [(one[0], one[1]) for one in applied if len(one) == 2])
    return with_risks(pending), tuple(map(label, missing))
