"""What `django-admin startproject` makes, on SQLite with uploads, from its one repository: nothing else is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.projects.notes import Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.runs import Result

STORY = Story("startproject, with SQLite and uploads", {"health_url": "http://127.0.0.1:8000/health/"})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, as it is generated."""
    made = Notes(tmp_path_factory.mktemp("one-repository"))
    made.require()
    made.commit_three()
    return made


def test_three_settings_bring_it_to_a_bare_host_and_its_data_outlives_every_version(
    site: Host, plays: Callable[[], dict[str, Result]]
) -> None:
    told = plays()
    assert "found: settings mysite.settings, which manage.py names" in told["first"].output
    assert "set: DEBUG = False" in told["first"].output
    assert "visitors noticed nothing" in told["second"].told
    assert "nobody has tried this page" in told["late"].told
    assert site.read(["cat", "/home/app/shared/media/notes/first.txt"]) == "first"
