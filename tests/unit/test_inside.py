"""What of ours runs inside an app's Django: it is laid out whole, and keeps out of the app's way."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent import inside
from agent.django import foresight, manage_shim
from agent.host.command import Runner
from agent.inside.protocol import END, NOW, RESULT_PREFIX, STAYS, Foreseen, Question
from agent.words import requests
from agent.words.shapes import to_json
from switchback.wire.payload import LOADER, agent_sources, stdin_for
from tests.unit.django_project import Project, makes, migration, names

LAYS_OUT = """
from pathlib import Path
from agent.django.foresight import lay_out
from agent.host.command import Runner
lay_out(Runner(user=None, log=None, until=float("inf")), Path(sys.argv[2]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    one = Project(folder)
    one.write()
    return one


def foreseen(room: Path, project: Project) -> Foreseen:
    runner = Runner(user=None, log=None, until=time.time() + 60)
    return foresight.ask(runner, room, Path(sys.executable), project.folder, Question())


def test_an_agent_that_came_from_no_file_lays_it_out_for_the_app_s_python(tmp_path: Path, project: Project) -> None:
    room = tmp_path / "room"
    room.mkdir()
    loader = LOADER.replace("sys.exit(agent.main.main([]))", LAYS_OUT)
    brought, _ = stdin_for("django", requests.Recover())
    subprocess.run([sys.executable, "-I", "-c", loader, "look", str(room)], input=brought + "\n", text=True, check=True)
    laid = {str(path.relative_to(room)): path.read_text() for path in room.rglob("*.py")}
    assert {f"agent/{name}": text for name, text in laid.items()} == {
        file: text
        for file, text in agent_sources().items()
        if file.startswith("agent/inside/") or file == "agent/django/manage_shim.py"
    }
    assert foreseen(room, project).migrations.pending == ()
    assert [path for path in room.rglob("*") if path.suffix == ".pyc"] == []


def test_names_of_ours_are_free_for_the_app(project: Project, tmp_path: Path) -> None:
    ours = ["manage_shim", "inside", *inside.PACKAGES, *(name for name in inside.MODULES if "." not in name)]
    for name in ours:
        (project.folder / f"{name}.py").write_text(f"WHOSE = {name!r}\n")
    project.more = "\n".join(f"import {name}\nassert {name}.WHOSE == {name!r}" for name in ours)
    project.write()
    assert project.ask("foresee", to_json(Question()))["migrations"]["pending"] == []


def test_a_django_that_has_done_the_checks_stays_and_migrates_once_it_is_told_to(
    project: Project,
) -> None:
    project.has("items", first=migration(makes("Item")))
    caller, its = socket.socketpair()
    with caller:
        with its:
            number = its.fileno()
            argv = [sys.executable, str(manage_shim.__file__), "manage.py", "checks", "then-migrate", str(number)]
            process = subprocess.Popen(argv, cwd=project.folder, pass_fds=[number], stdout=subprocess.PIPE, text=True)
        with process:
            assert caller.recv(len(STAYS)) == STAYS
            assert project.tables() == []
            caller.sendall(NOW)
            answer = b"".join(iter(lambda: caller.recv(65536), b""))
            said = process.communicate()[0]
    found = next(line for line in said.splitlines() if line.startswith(RESULT_PREFIX))
    assert names(json.loads(found[len(RESULT_PREFIX) :])["pending"]) == ["first"]
    assert answer.endswith(END)
    assert (json.loads(answer)["pending"], project.recorded()) == ([], ["first"])
