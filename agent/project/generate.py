"""The config of a version that has no config repository, on disk: the commit is read, and files are written."""

from __future__ import annotations

import os
import secrets
from functools import partial
from pathlib import Path

from agent.environment.start import MODULES
from agent.host.command import Runner
from agent.host.files import put, write_whole
from agent.host.users import acting_as
from agent.project.found import Project, find
from agent.project.texts import links, texts
from agent.repository import git
from agent.repository.commits import read_text
from agent.versions.layout import Layout


def project_of(runner: Runner, layout: Layout, repository: Path, sha: str) -> Project:
    """The project of a commit. Raises NotFound, CommandFailed.

    + repository: one that has the commit
    """
    return find(git.names_of(runner, repository, sha), partial(read_text, runner, repository, sha), layout.settings)


def write_config(layout: Layout, project: Project, folder: Path, single: bool) -> None:
    """Write the config into a new folder, beside the code's. Raises OSError.

    + single: whether the host is the one that has what runs on one of all
    """
    with acting_as(layout.app):
        (folder / MODULES).mkdir(parents=True)
        for name, leads in links(layout.settings, project).items():
            os.symlink(leads, str(folder / name))
        for name, text in texts(layout, project, single).items():
            put(folder / name, text.encode())
        (folder / "manage.py").chmod(0o755)


def keep_secret_key(layout: Layout) -> None:
    """Make the host's own SECRET_KEY, unless it has one: for a project that has none of its own. Raises OSError."""
    shared = layout.home / "shared"
    with acting_as(layout.app):
        shared.mkdir(exist_ok=True)
        (shared / "media").mkdir(exist_ok=True)
        path = shared / "secret_key"
        if not os.path.lexists(str(path)):
            write_whole(path, secrets.token_urlsafe(50), 0o600)
