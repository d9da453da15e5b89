"""The programs that generate projects, and the wheels that hosts install them from; both kept until what is asked for
changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bed.places import BED
from tests.bed.progress import log_file, run_logged
from tests.bed.suites import chosen
from tests.bed.wheels import pip_download

# What Python 3.11 can take: newer ones of both ask for Python 3.12.
DJANGO = "Django>=5.2,<5.3"
WAGTAIL = "wagtail>=7.0,<9"
GENERATORS = (DJANGO, WAGTAIL, "asgiref", "sqlparse")
REACH = "Check that pip reaches its package index."


def startproject(folder: Path, name: str = "mysite") -> None:
    """What `django-admin startproject NAME .` makes."""
    _generate(folder, "from django.core.management import execute_from_command_line as run", "startproject", name, ".")


def wagtail_start(folder: Path, name: str = "mysite") -> None:
    """What `wagtail start NAME .` makes."""
    _generate(folder, "from wagtail.bin.wagtail import main as run", "start", name, ".")


def startapp(folder: Path, name: str) -> None:
    """What `django-admin startapp NAME` makes."""
    _generate(folder, "from django.core.management import execute_from_command_line as run", "startapp", name)


def _generate(folder: Path, program: str, *arguments: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _run(folder, "-c", f"{program}; run()", *arguments)


def manage(folder: Path, *arguments: str) -> None:
    """Run a project's own manage.py here, as its developer does."""
    _run(folder, "manage.py", *arguments)


def _run(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(_generators()), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def _generators() -> Path:
    def make(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        run_logged([*pip, *GENERATORS], log_file("generators"), REACH)

    return kept("generators", GENERATORS, make)


def wheels(requirements: Sequence[str]) -> Path:
    """A folder with the wheels of these requirements, for a host's Python."""

    def make(folder: Path) -> None:
        run_logged([*pip_download(folder), *requirements], log_file("project-wheels"), REACH)

    return kept(f"wheels-{chosen().python}", requirements, make)


def kept(kind: str, asked: Sequence[str], make: Callable[[Path], None]) -> Path:
    """The folder that was made for what is asked, made now if it isn't there; by one process, the others wait."""
    name = hashlib.sha256("\n".join(asked).encode()).hexdigest()[:12]
    folder = BED / "projects" / f"{kind}-{name}"
    with _alone(folder):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
