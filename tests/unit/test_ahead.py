"""A version that is started before the links lead to it: by which paths, and when it is left until they do."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.ahead import at_its_own_path
from agent.command import started_at
from agent.health import Unhealthy
from agent.layout import Layout
from agent.progress import read_progress
from agent.rehearsal import Command, begun
from agent.versions import SEAL
from tests.unit.examples import NEW, settings

HOME = "/home/app"
OWN = f"{HOME}/{NEW}"
WEB = Command(
    argv=(f"{HOME}/django-current/venv/bin/python", "-m", "gunicorn", "--bind", "fd://0", "wsgi:application"),
    folder=f"{HOME}/django-current/config",
    env={"PATH": f"{HOME}/venv/bin:/usr/bin", "DJANGO": f"{HOME}/django/", "OTHER": f"{HOME}/django-currently"},
    user="app",
)


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Layout:
    told: dict[str, Any] = settings().model_dump(mode="json")
    monkeypatch.setattr("agent.ahead.read_json", lambda path: {"self_contained": path == Path(OWN) / SEAL})
    return Layout(told, Path(HOME))


def test_every_link_is_followed_to_where_it_will_lead_and_nothing_else_is_touched(layout: Layout) -> None:
    command = at_its_own_path(layout, WEB, NEW)
    assert command is not None
    assert command.argv == (f"{OWN}/venv/bin/python", *WEB.argv[1:])
    assert command.folder == f"{OWN}/config"
    assert command.env == {"PATH": f"{OWN}/venv/bin:/usr/bin", "DJANGO": f"{OWN}/code/", "OTHER": WEB.env["OTHER"]}


@pytest.mark.parametrize(
    "changed",
    [
        {"folder": f"{HOME}/deployment"},
        {"folder": "/srv"},
        {"argv": (*WEB.argv, "--pythonpath", f"{HOME}/deployment")},
        {"env": {"PYTHONPATH": f"{HOME}/deployment:/srv"}},
    ],
)
def test_what_would_still_lead_to_the_live_version_is_left_until_the_links_are_swapped(
    changed: dict[str, Any], layout: Layout
) -> None:
    command = Command(**{**vars(WEB), **changed})
    assert at_its_own_path(layout, command, NEW) is None


def test_a_version_that_has_not_shown_that_it_runs_from_itself_is_left_until_then(layout: Layout) -> None:
    assert at_its_own_path(layout, WEB, "django-20261124-000000-aaaaaaa-bbbbbbb") is None


def test_what_goes_on_beside_the_steps_is_remembered_when_they_have_ended() -> None:
    records: list[dict[str, Any]] = [
        {"event": "step started", "step": "backup_before"},
        {"event": "beside", "what": "rehearsal", "pid": 11, "started": "5"},
        {"event": "command", "pid": 12, "started": "6"},
        {"event": "step done", "step": "backup_before", "note": {}},
    ]
    progress = read_progress(records)
    assert [one["pid"] for one in progress.beside] == [11]
    assert progress.commands == ()


class Journal:
    """As much of a step as a rehearsal that was begun has to do with."""

    def __init__(self, folder: Path, *records: dict[str, Any]) -> None:
        self.progress = read_progress(records)
        self.transaction = SimpleNamespace(output=lambda name: folder / name)
        self.settings: dict[str, Any] = {}


def test_a_rehearsal_that_an_earlier_call_has_begun_is_found_as_long_as_it_runs(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        began = {"at": time.time() - 9, "event": "beside", "what": "rehearsal", "url": "http://127.0.0.1:1/"}
        step: Any = Journal(tmp_path, {**began, "pid": process.pid, "started": started_at(process.pid)})
        (tmp_path / "rehearsal").write_text("connected to postgres://app:secret@db/app\n")
        first = begun(step)
        assert first is not None
        assert first.seconds >= 9
        first.end()
        assert process.poll() is not None
    assert begun(step) is None
    assert "secret" not in (tmp_path / "rehearsal").read_text()


def test_one_that_has_ended_by_itself_is_not_well_and_shows_what_it_has_said(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        began = {"at": time.time(), "event": "beside", "what": "rehearsal", "url": "http://127.0.0.1:1/"}
        step: Any = Journal(tmp_path, {**began, "pid": process.pid, "started": started_at(process.pid)})
        (tmp_path / "rehearsal").write_text("PAYMENT_KEY is not set\n")
        step.settings = {"health_stable": 3}
        first = begun(step)
        assert first is not None
        process.kill()
    with pytest.raises(Unhealthy, match="process has ended\nPAYMENT_KEY is not set"):
        first.check()


def test_what_a_killed_agent_has_left_beside_is_no_rehearsal(tmp_path: Path) -> None:
    step: Any = Journal(tmp_path, {"event": "beside", "what": "migrate", "pid": os.getpid(), "started": started_at(1)})
    assert begun(step) is None
