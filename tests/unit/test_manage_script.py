"""What provision writes as `~app/bin/manage`, as it runs."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from string import Template

import pytest

from switchback.checks.groundwork import lacking
from switchback.checks.own_texts import FILES
from tests.unit.examples import settings
from tests.unit.healthy import host

ME = pwd.getpwuid(os.getuid()).pw_name


def written(folder: Path, user: str = ME, **changes: str) -> Path:
    """The script, for a site in a folder."""
    told = settings(current_main=str(folder / "django-current"), **changes)
    _, values = lacking(host(), told, can_make_venv=True).manage
    path = folder / "manage"
    path.write_text(Template((FILES / "manage").read_text()).substitute({**values, "user": repr(user)}))
    path.chmod(0o755)
    return path


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """A live version, whose launcher and whose Python say how they are started."""
    found = tmp_path / "django-1"
    (found / "config").mkdir(parents=True)
    (found / "venv/bin").mkdir(parents=True)
    for path in (found / "run", found / "venv/bin/python"):
        path.write_text('#!/bin/sh\necho "$0" "$@" in "$(pwd)"\n')
        path.chmod(0o755)
    (tmp_path / "django-current").symlink_to("django-1")
    return found


def said(path: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run([path, *words], capture_output=True, text=True, check=False, timeout=20)
    return done.returncode, done.stdout + done.stderr


def test_it_runs_manage_py_of_the_live_version_by_its_launcher_in_its_folder(version: Path, tmp_path: Path) -> None:
    found = said(written(tmp_path), "check", "--deploy", "a b")
    assert found == (0, f"{version}/run python manage.py check --deploy a b in {version}/config\n")


def test_of_a_version_from_before_launchers_it_runs_its_own_python(version: Path, tmp_path: Path) -> None:
    (version / "run").unlink()
    assert said(written(tmp_path), "check") == (0, f"{version}/venv/bin/python manage.py check in {version}/config\n")


def test_names_of_the_settings_are_taken_as_they_are(version: Path, tmp_path: Path) -> None:
    (version / "config").rename(version / "conf.d-1")
    assert said(written(tmp_path, config_subdir="conf.d-1"))[1].endswith(f"in {version}/conf.d-1\n")


def test_where_nothing_is_live_it_says_so(tmp_path: Path) -> None:
    code, told = said(written(tmp_path), "check")
    assert code == 1
    assert told.startswith("manage: no version is live that could be asked: ")


def test_somebody_else_is_told_whose_it_is(version: Path, tmp_path: Path) -> None:
    path = written(tmp_path, user="daemon")
    if os.getuid() == 0:
        # Root becomes that user, who can't come here.
        tmp_path.chmod(0o700)
        assert said(path, "check")[0] != 0
    else:
        assert said(path, "check") == (1, f"manage: this is for daemon: sudo -u daemon {path} check\n")
