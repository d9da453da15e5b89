"""Lock files, written by the programs that projects lock their packages with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import tomllib

from tests.bed.hosts import Host
from tests.bed.progress import log_file, run_logged
from tests.projects.tools import REACH, kept

PROGRAMS = ("uv", "poetry")
# Of what is locked: the project itself, and what is for Windows alone.
NOT_ON_A_HOST = ("mysite", "tzdata")
PYPROJECT = """\
[project]
name = "mysite"
version = "1.0"
requires-python = ">=3.11"
dependencies = {dependencies}
"""
# Poetry asks an index for more than each one has, unless it is told that it is just one.
OF_POETRY = """
[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "pypi-mirror"
url = "https://pypi.org/simple/"
priority = "primary"
"""
INSTALLED = """\
import importlib.metadata, json
found = importlib.metadata.distributions()
print(json.dumps({one.name.lower().replace("_", "-"): one.version for one in found}))
"""


def uv_lock(folder: Path, packages: Sequence[str]) -> dict[str, str]:
    """Write a pyproject.toml and have uv lock it; the releases, by the packages' names."""
    return _locked(folder, packages, "", "uv")


def poetry_lock(folder: Path, packages: Sequence[str]) -> dict[str, str]:
    """Write a pyproject.toml and have Poetry lock it; the releases, by the packages' names."""
    return _locked(folder, packages, OF_POETRY, "poetry")


def _locked(folder: Path, packages: Sequence[str], more: str, program: str) -> dict[str, str]:
    told = PYPROJECT.format(dependencies=json.dumps(packages)) + more

    def lock(place: Path) -> None:
        (place / "pyproject.toml").write_text(told)
        path = {"PYTHONPATH": str(_programs())}
        done = subprocess.run(
            [sys.executable, "-m", program, "lock"],
            cwd=place,
            env={**os.environ, **path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    for file in kept(f"lock-of-{program}", [told], lock).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    found = tomllib.loads((folder / f"{program}.lock").read_text())["package"]
    return {one["name"]: one["version"] for one in found if one["name"] not in NOT_ON_A_HOST}


def _programs() -> Path:
    def make(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
        run_logged([*pip, *PROGRAMS], log_file("lock-programs"), REACH)

    return kept("lock-programs", PROGRAMS, make)


def pins(releases: dict[str, str]) -> tuple[str, ...]:
    """Releases as requirements."""
    return tuple(f"{name}=={release}" for name, release in sorted(releases.items()))


def installed(host: Host, version: str = "/home/app/django-current") -> dict[str, str]:
    """The packages of a version, with their releases."""
    python = ["runuser", "-u", "app", "--", f"{version}/venv/bin/python", "-I", "-c", INSTALLED]
    found: dict[str, str] = json.loads(host.read(python))
    return found
