"""What a look tells of a config that is made of the code: what was found, and what becomes of its files."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.host.command import Runner
from agent.project.compared import made_config
from agent.project.generate import project_of, write_config
from agent.versions.layout import Layout
from agent.words.foreseen import Made
from tests.unit import healthy
from tests.unit.test_found_project import STARTPROJECT
from tests.unit.test_needs import commit

ME = pwd.getpwuid(os.getuid()).pw_name
FILES = (
    "django",
    "manage.py",
    "settings_switchback.py",
    "start_switchback.py",
    "supervisord.conf",
    "switchback_filling.py",
    "wsgi_switchback.py",
)


class Host:
    """A host with a repository and, perhaps, a live config."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.room = folder / "room"
        self.room.mkdir()
        self.runner = Runner(user=ME, log=None, until=time.time() + 60)

    def layout(self, **asked: Any) -> Layout:
        """The places of the site with such settings."""
        return Layout(replace(healthy.host_settings(**asked), app_username=ME), self.folder)

    def look(self, files: Mapping[str, str], live: bool = False, **asked: Any) -> Made:
        """What a look tells of a commit with these files."""
        repository, sha = commit(self.folder / "to-come", files)
        layout = self.layout(**asked)
        project = project_of(self.runner, layout, Path(repository), sha)
        before = self.folder / "live" if live else None
        return made_config(layout, project, self.room / "config", before, diff=True, single=True)

    def go_live(self, files: Mapping[str, str], **asked: Any) -> None:
        """Have a live config that was made of such files."""
        repository, sha = commit(self.folder / "before", files)
        project = project_of(self.runner, self.layout(**asked), Path(repository), sha)
        write_config(self.layout(**asked), project, self.folder / "live", single=True)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One without a live version."""
    return Host(tmp_path)


def test_a_first_config_is_all_new_and_is_made_for_the_look_as_a_build_makes_it(host: Host) -> None:
    made = host.look(STARTPROJECT)
    assert made.added == FILES
    assert made.found[0] == "manage.py at the top of the code"
    assert made.diff is not None
    assert "+numprocs=2" in made.diff
    assert (host.room / "config" / "django").readlink() == Path("../code")
    assert os.access(host.room / "config" / "manage.py", os.X_OK)


def test_what_stays_as_it_is_live_is_not_told(host: Host) -> None:
    host.go_live(STARTPROJECT)
    made = host.look({**STARTPROJECT, "mysite/urls.py": "# other\n"}, live=True)
    assert (made.added, made.changed, made.removed, made.diff) == ((), (), (), ())


def test_a_setting_or_a_project_that_has_moved_is_told_with_its_lines(host: Host) -> None:
    host.go_live(STARTPROJECT)
    moved = {f"backend/{path}": text for path, text in STARTPROJECT.items()}
    made = host.look(moved, live=True, website_url="https://new.example.com/")
    assert made.changed == ("django", "settings_switchback.py")
    assert made.diff is not None
    assert "-../code" in made.diff
    assert "+../code/backend" in made.diff
    assert '+    hosts=["new.example.com"],' in made.diff


def test_what_a_config_repository_has_brought_goes_and_no_secret_of_it_is_shown(host: Host) -> None:
    live = host.folder / "live"
    live.mkdir()
    (live / "settings.py").write_text('DEBUG = False\nSECRET_KEY = "vK8mQ2xRt7LpZw4NcYb9"\n')
    (live / ".git").mkdir()
    (live / "templates").mkdir()
    made = host.look(STARTPROJECT, live=True)
    assert made.removed == ("settings.py",)
    assert made.added == FILES
    assert made.diff is not None
    assert "-DEBUG = False" in made.diff
    assert "vK8mQ2xRt7LpZw4NcYb9" not in "\n".join(made.diff)
