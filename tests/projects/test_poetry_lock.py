"""A project whose packages are locked by Poetry, and installed as locked on a host that has uv, and on one without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.projects.locks import installed, pins, poetry_lock
from tests.projects.notes import Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.tools import DJANGO
from tests.runs import Result, Runs

STORY = Story("with poetry.lock, on SQLite", {"health_url": "http://127.0.0.1:8000/health/"})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, whose lock is Poetry's own."""
    made = Notes(tmp_path_factory.mktemp("poetry"))
    made.requirements = pins(poetry_lock(made.at, [DJANGO, "markdown"]))
    made.commit_three()
    return made


def test_it_is_installed_as_locked_with_uv_and_without(
    project: Project, site: Host, run: Runs, plays: Callable[[], dict[str, Result]]
) -> None:
    looked = run("deploy", site, data={"code": "first"}, args=["--dry"]).worked()
    assert "found: poetry.lock" in looked.output
    plays()
    assert set(project.requirements) <= set(pins(installed(site)))
    site.hide_uv()
    run("build", site, data={"code": "second", "reuse_venv": "false", "force": "true"}).worked()
    newest = site.read(["sh", "-c", "ls -d /home/app/django-2* | tail -1"]).strip()
    assert set(project.requirements) <= set(pins(installed(site, newest)))
