"""Asking an app's own Django what a version would do, without letting it do anything."""

from __future__ import annotations

import importlib.util
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.django.inside import MODULES
from agent.django.manage import said_in
from agent.host.command import CommandFailed, Runner
from agent.host.reading import read_text
from agent.host.users import acting_as
from agent.migrations import sources
from agent.migrations.names import DEFAULT
from agent.migrations.risk import risks, with_new_tables

# How long Django may take to answer, seconds.
LIMIT = 30.0
# No bytecode beside the app's sources.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}

Found = dict[str, Any]


def ask(runner: Runner, room: Path, python: Path, config: Path, asked: Found) -> Found:
    """What an app's Django foresees. Raises CommandFailed where it can't be asked.

    + python: the interpreter that the app runs with
    + config: the directory of its manage.py
    + asked: as `foresee` in `inside.looks` has it
    """
    side = room / "manage_shim.py"
    manage = config / "manage.py"
    for needed in (python, manage):
        if not needed.exists():
            raise CommandFailed(f"{needed} is not there", "")
    runner = replace(runner, until=min(runner.until, time.time() + LIMIT))
    argv = [str(python), str(side), str(manage), "foresee", json.dumps(asked)]
    return said_in(runner.run(argv, cwd=config, env=NO_BYTECODE), "our question")


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


def with_risks(migrations: list[Found]) -> list[Found]:
    """Migrations with the risks of each operation, and less of what only those needed. Pure."""
    marked = iter(with_new_tables([one for migration in migrations for one in migration["operations"]]))
    told = []
    for migration in migrations:
        operations = [next(marked) for _ in migration["operations"]]
        told.append(
            {
                "app": migration["app"],
                "name": migration["name"],
                "database": migration.get("database", DEFAULT),
                "idle": migration.get("idle", False),
                "loses": migration.get("loses", False),
                "halfway": migration.get("halfway", not migration["atomic"]),
                "reversible": migration["reversible"],
                "atomic": migration["atomic"],
                "operations": [{"says": one["says"], "risks": risks(one)} for one in operations],
                "sql": migration.get("sql"),
                **({"unread": migration["unread"]} if migration.get("unread") else {}),
            }
        )
    return told


def _text_of(path: Path) -> str:
    """A migration's text; nothing where it is no file that can be read."""
    try:
        return read_text(path)
    except OSError:
        return ""


def from_files(code: Path, applied: list[list[str]]) -> tuple[list[Found], list[list[str]]]:
    """What the migration files of a checkout would apply, and what is applied that it lacks."""
    files = {}
    for path in sorted(code.glob("**/migrations/*.py")):
        if path.stem != "__init__":
            key = (path.parent.parent.name, path.stem)
            files[key] = sources.describe(*key, _text_of(path))
    return sources.pending(files, [(app, name) for app, name in applied])
