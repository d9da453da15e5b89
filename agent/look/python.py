"""The Python that a version would be made with, as a host has it."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.host.command import CommandFailed, ours
from agent.host.users import acting_as, can_become
from agent.packages import pythons
from agent.packages.pythons import Python
from agent.versions.layout import Layout
from agent.words.settings import Settings

# How long asking it may take, seconds.
LIMIT = 60.0


def python_of(settings: Settings) -> Python:
    """The Python that the settings ask for."""
    if not can_become(settings.app_username):
        return pythons.locate(settings.python, Path("/nonexistent"), shutil.which("uv"))
    layout = Layout.of(settings)
    with acting_as(layout.app):
        return pythons.locate(settings.python, layout.own, pythons.uv_of(layout.home))


def why_none(python: Python) -> str:
    """Why it can't be had; empty where it can."""
    return "" if python.path or python.to_fetch else pythons.why_missing(python.asked, uv=python.by_uv)


def makes_venv(layout: Layout) -> bool:
    """Whether a build can make a virtual environment."""
    python = python_of(layout.settings)
    # Without a Python at all, that is what is missing; and uv's, which is the app's, has all modules.
    if pythons.uv_of(layout.home) or python.path is None or python.by_uv:
        return True
    try:
        ours([python.path, "-I", "-c", "import ensurepip, venv"], LIMIT)
    except (OSError, CommandFailed):
        return False
    return True
