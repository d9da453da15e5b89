"""How uv, or pip, is told what a version needs: all at once, and nothing secret on a command line."""

from __future__ import annotations

import os
import pwd
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from agent.host.command import Runner
from agent.packages.finding import Found
from agent.packages.installing import Installer
from agent.packages.pythons import Python
from agent.packages.resolving import Live, foresee
from agent.packages.wanted import Wanted
from agent.words.foreseen import Package

ME = pwd.getpwuid(os.getuid()).pw_name
# Says what it is told, and the files that it is told of; makes an environment with one package in it.
PROGRAM = """#!/bin/sh
echo "$@" >>{log}
for word; do case $word in *switchback-*) cat "$word" >>{log};; esac; done
about={venv}/lib/python3.11/site-packages/django-5.2.1.dist-info
case "$*" in venv*|*"-m venv"*)
    mkdir -p $about {venv}/bin
    printf 'Name: Django\\nVersion: 5.2.1\\n' >$about/METADATA
    cp "$0" {venv}/bin/python;;
*"pip compile"*) printf 'gunicorn==23.0\\n';;
esac
"""
HASHED = {"requirements.txt": "django==5.2.1 --hash=sha256:ab\n"}


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """What the installer is told, line by line."""
    log, venv = tmp_path / "log", tmp_path / "venv"
    program = tmp_path / "program"
    program.write_text(PROGRAM.format(log=log, venv=venv))
    program.chmod(0o755)
    (tmp_path / "code").mkdir()

    def made(wanted: Wanted, uv: bool = True, wheels: str | None = None) -> list[str]:
        installer = Installer(str(program) if uv else None, Python("python3", str(program)), wheels)
        runner = Runner(user=ME, log=None, until=time.time() + 60)
        installer.make(runner, wanted, tmp_path / "code", venv)
        return log.read_text().replace(str(tmp_path), "").splitlines()

    return made


def test_all_is_installed_in_one_go_so_that_the_projects_own_word_counts(told: Any) -> None:
    wanted = Wanted(Found("requirements.txt"), {}, ("requirements.txt",), added=("gunicorn", "supervisor>=4.3"))
    assert told(wanted)[1:] == [
        "pip install --quiet --python /venv/bin/python --requirement /code/requirements.txt "
        "--requirement /venv/switchback-requirements.txt",
        "gunicorn",
        "supervisor>=4.3",
    ]


def test_without_uv_the_versions_own_pip_is_told_the_same(told: Any) -> None:
    wanted = Wanted(Found("pyproject.toml"), {}, lines=("django", "-r x.txt"))
    assert told(wanted, uv=False, wheels="/srv/wheels") == [
        "-m venv /venv",
        "-m pip --disable-pip-version-check --no-input install --quiet --no-compile --no-index "
        "--find-links /srv/wheels --requirement /venv/switchback-requirements.txt",
        "django",
        "-r x.txt",
    ]


def test_what_is_added_to_requirements_with_hashes_changes_none_of_them(told: Any) -> None:
    wanted = Wanted(Found("requirements.txt"), HASHED, ("requirements.txt",), added=("gunicorn",))
    assert told(wanted)[1:] == [
        "pip install --quiet --python /venv/bin/python --requirement /code/requirements.txt",
        "pip install --quiet --python /venv/bin/python --requirement /venv/switchback-added.txt "
        "--constraint /venv/switchback-constraints.txt",
        "gunicorn",
        "django==5.2.1",
    ]


def test_nothing_is_installed_for_a_project_that_needs_nothing(told: Any) -> None:
    assert len(told(Wanted(Found("pyproject.toml"), {}))) == 1


def test_what_is_written_down_for_the_installer_only_the_app_may_read(told: Any, tmp_path: Path) -> None:
    told(Wanted(Found("x"), {}, lines=("--extra-index-url https://me:s3cret@pypi.example.com/simple", "django")))
    mode = (tmp_path / "venv/switchback-requirements.txt").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_preview_resolves_what_is_added_to_what_is_locked(told: Any, tmp_path: Path) -> None:
    told(Wanted(Found("requirements.txt"), {}))
    wanted = Wanted(Found("x.lock"), {}, lines=("django==5.2.2",), locked={"django": "5.2.2"}, added=("gunicorn",))
    runner = Runner(user=ME, log=None, until=time.time() + 60)
    program = str(tmp_path / "program")
    found = foresee(
        runner, Installer(program, Python("python3", program), None), tmp_path, wanted, Live(tmp_path / "venv", None)
    )
    assert found.source == "resolved"
    assert found.changes.added == (Package("gunicorn", None, "23.0"),)
    assert found.changes.up == (Package("django", "5.2.1", "5.2.2"),)
