"""How a project is asked which packages it needs: where it is, and what serves it."""

from __future__ import annotations

from collections.abc import Collection

from agent.packages.finding import Read
from agent.packages.wanted import Asked
from agent.project.found import NotFound, find, folders_of
from agent.project.processes import WEB
from agent.project.servers import packages_of
from agent.words.settings import Settings


def asked_of(settings: Settings, configured: bool, uv: bool, files: Collection[str], read: Read) -> Asked:
    """How a project is asked.

    + configured: whether it has a config of its own; uv: whether uv installs what it needs
    + files: all that is in the code; read: gives a file's text by its path
    """
    if configured:
        return Asked(settings, configured, uv, settings.project_dir or _folder(files, read))
    try:
        project = find(files, read, settings)
    except NotFound:
        # Whoever makes its config says so.
        return Asked(settings, configured, uv, _folder(files, read))
    web = project.programs.get(WEB)
    return Asked(settings, configured, uv, project.folder, packages_of(web.run if web else (), project.server))


def _folder(files: Collection[str], read: Read) -> str:
    """The project's folder; of several the first, and the code's top where there is none."""
    return next(iter(folders_of(files, read)), "")
