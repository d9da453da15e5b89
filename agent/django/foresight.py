"""Asking an app's own Django what a version would do, without letting it do anything."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.django.inside import MODULES
from agent.django.manage import said_in
from agent.host.command import CommandFailed, Runner
from agent.host.reading import read_text
from agent.host.users import acting_as
from agent.migrations import sources
from agent.migrations.names import DEFAULT, label
from agent.migrations.risk import Operation as Described
from agent.migrations.risk import risks, with_new_tables
from agent.words.foreseen import DjangoForesees, Migration, Operation, Risk
from agent.words.shapes import Unreadable, read, to_json

# How long Django may take to answer, seconds.
LIMIT = 30.0
# No bytecode beside the app's sources.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Question:
    """What a Django is asked, as `foresee` in `inside.looks` has it.

    + sql: whether to write out each migration's SQL; static: whether to list the static files
    + keep: which of the applied migrations another version has
    """

    sql: bool = False
    static: bool = False
    keep: tuple[tuple[str, ...], ...] | None = None


def ask(runner: Runner, room: Path, python: Path, config: Path, question: Question) -> DjangoForesees:
    """What an app's Django foresees. Raises CommandFailed where it can't be asked.

    + python: the interpreter that the app runs with
    + config: the directory of its manage.py
    """
    side = room / "manage_shim.py"
    manage = config / "manage.py"
    for needed in (python, manage):
        if not needed.exists():
            raise CommandFailed(f"{needed} is not there", "")
    runner = replace(runner, until=min(runner.until, time.time() + LIMIT))
    argv = [str(python), str(side), str(manage), "foresee", to_json(question)]
    output = runner.run(argv, cwd=config, env=NO_BYTECODE)
    try:
        return read(DjangoForesees, said_in(output, "our question"), "what it foresees")
    except Unreadable as problem:
        raise CommandFailed(str(problem), output) from None


def lay_out(runner: Runner, room: Path) -> None:
    """Put our part of the conversation where the app's Python can read it."""
    inside = ("inside", *(f"inside.{name}" for name in MODULES))
    texts = {name: _source(f"agent.django.{name}") for name in ("manage_shim", *inside)}
    with acting_as(runner.user or "root"):
        (room / "inside").mkdir()
        for name, text in texts.items():
            file = "inside/__init__" if name == "inside" else name.replace(".", "/")
            (room / f"{file}.py").write_text(text)


def _source(module: str) -> str:
    """The text of a module of ours: where the agent only looks at a host, it may come from no file."""
    spec = importlib.util.find_spec(module)
    source: str = spec.loader.get_source(module) if spec and spec.loader else ""  # type: ignore[attr-defined]
    return source


def with_risks(migrations: Sequence[Described]) -> tuple[Migration, ...]:
    """Migrations with the risks of each operation, and less of what only those needed. Pure."""
    marked = iter(with_new_tables([one for migration in migrations for one in migration["operations"]]))
    return tuple(_with_risks(one, [next(marked) for _ in one["operations"]]) for one in migrations)


def _with_risks(migration: Described, operations: Sequence[Described]) -> Migration:
    sql = migration.get("sql")
    return Migration(
        app=migration["app"],
        name=migration["name"],
        database=migration.get("database", DEFAULT),
        idle=migration.get("idle", False),
        loses=migration.get("loses", False),
        halfway=migration.get("halfway", not migration["atomic"]),
        reversible=migration["reversible"],
        atomic=migration["atomic"],
        operations=tuple(Operation(one["says"], tuple(Risk(**risk) for risk in risks(one))) for one in operations),
        sql=None if sql is None else tuple(sql),
        unread=migration.get("unread", ""),
    )


def _text_of(path: Path) -> str:
    """A migration's text; nothing where it is no file that can be read."""
    try:
        return read_text(path)
    except OSError:
        return ""


def from_files(code: Path, applied: Sequence[Sequence[str]]) -> tuple[tuple[Migration, ...], tuple[str, ...]]:
    """What the migration files of a checkout would apply, and the names of what is applied that it lacks."""
    files = {}
    for path in sorted(code.glob("**/migrations/*.py")):
        if path.stem != "__init__":
            key = (path.parent.parent.name, path.stem)
            files[key] = sources.describe(*key, _text_of(path))
    # The files don't tell of another database than the default one.
    pending, missing = sources.pending(files, [(one[0], one[1]) for one in applied if len(one) == 2])
    return with_risks(pending), tuple(map(label, missing))
