"""A version that is started before the links lead to it: by which paths, and when it is left until they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.ahead import at_its_own_path
from agent.layout import Layout
from agent.progress import read_progress
from agent.rehearsal import Command
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
        {"event": "beside", "pid": 11, "started": "5"},
        {"event": "command", "pid": 12, "started": "6"},
        {"event": "step done", "step": "backup_before", "note": {}},
    ]
    progress = read_progress(records)
    assert [one["pid"] for one in progress.beside] == [11]
    assert progress.commands == ()
