"""A SQLite file: a look leaves it as it was, and a migration waits for a lock no longer than it may."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.inside.protocol import LOCKS, RESULT_PREFIX, Patience, Question
from agent.words.shapes import to_json
from tests.unit.django_project import Project, makes, migration, names

MODES = pytest.mark.parametrize("mode", ["DELETE", "WAL"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One with a migration that is applied, and one to come."""
    project = Project(tmp_path)
    first = migration(makes("First"))
    project.has("items", first=first)
    project.ask("migrate")
    project.has("items", first=first, second=migration(makes("Second"), needs=[("items", "first")]))
    return project


def files(project: Project) -> dict[str, bytes]:
    """The database, and what lies beside it."""
    return {path.name: path.read_bytes() for path in project.folder.glob("default.db*")}


def opened(project: Project, mode: str) -> sqlite3.Connection:
    """What a process of the app's has open."""
    live = sqlite3.connect(project.folder / "default.db", isolation_level=None)
    live.execute(f"PRAGMA journal_mode = {mode}")
    live.execute("CREATE TABLE rows (name TEXT)")
    return live


@MODES
@pytest.mark.parametrize("is_open", [False, True])
def test_a_look_leaves_a_file_and_what_is_beside_it_as_it_was(project: Project, mode: str, is_open: bool) -> None:
    with closing(opened(project, mode)) as live:
        if not is_open:
            live.close()
        before = files(project)
        found = project.ask("foresee", to_json(Question()))
        assert found["migrations"]["applied"] == [["items", "first"]]
        assert names(found["migrations"]["pending"]) == ["second"]
        assert found["migrations"]["databases"][0]["name"] == str(project.folder / "default.db")
        assert project.ask("about")["unknown"] == []
        assert {name: files(project)[name] for name in before if not name.endswith("-shm")} == {
            name: text for name, text in before.items() if not name.endswith("-shm")
        }
        assert {*files(project)} == {*before}


def test_a_look_at_a_database_that_is_not_there_yet_makes_none(project: Project) -> None:
    (project.folder / "default.db").unlink()
    found = project.ask("foresee", to_json(Question()))
    assert names(found["migrations"]["pending"]) == ["first", "second"]
    assert found["migrations"]["databases"][0]["empty"]
    assert project.ask("about")["databases"]["default"]["problem"] == ""
    assert files(project) == {}


# --- Locks


def patience(seconds: float, until: float | None = None) -> dict[str, str]:
    return {LOCKS: to_json(Patience("switchback one", seconds, until))}


@MODES
def test_a_migration_that_gets_no_lock_is_rolled_back_and_tried_again(project: Project, mode: str) -> None:
    with closing(opened(project, mode)) as live:
        live.execute("BEGIN IMMEDIATE")
        with project.started("migrate", environment=patience(0.2, time.time() + 60)) as process:
            assert process.stdout
            for line in process.stdout:
                if line.startswith(RESULT_PREFIX):
                    found = json.loads(line[len(RESULT_PREFIX) :])
                elif "tried again every" in line and live.in_transaction:
                    live.execute("COMMIT")
    assert found["pending"] == []
    assert project.recorded() == ["first", "second"]
    holder = f"pid {os.getpid()} ({Path('/proc/self/comm').read_text().strip()})"
    assert found["waited"][0] == (
        f"items.second: no lock within 0.2 s, held by {holder}; rolled back, and tried again every 0.2 s"
    )


@MODES
def test_one_that_never_gets_it_leaves_the_file_as_it_was(project: Project, mode: str) -> None:
    with closing(opened(project, mode)) as live:
        live.execute("BEGIN IMMEDIATE")
        found = project.ask("migrate", environment=patience(0.1))
        live.execute("ROLLBACK")
    assert "items.second was tried 5 times, and rolled back each time: nothing of it is applied" in found["no_lock"]
    assert f"or end it: kill {os.getpid()}" in found["no_lock"]
    assert project.recorded() == ["first"]
    assert project.tables() == ["items_first", "rows"]
