"""How a project is asked which packages it needs: where it is, and what serves it."""

from __future__ import annotations

from collections.abc import Collection

from agent.packages.finding import Read, project_folder
from agent.packages.wanted import Asked
from agent.project.found import NotFound, find
from agent.project.processes import WEB
from agent.project.servers import packages_of
from agent.words.settings import Settings


def asked_of(settings: Settings, configured: bool, uv: bool, files: Collection[str], read: Read) -> Asked:
    """How a project is asked.

    + configured: whether it has a config of its own; uv: whether uv installs what it needs
    + files: all that is in the code; read: gives a file's text by its path
    """
    if configured:
        return Asked(settings, configured, uv, settings.project_dir or project_folder(files))
    try:
        project = find(files, read, settings)
    except NotFound:
        # Whoever makes its config says so.
        return Asked(settings, configured, uv, project_folder(files))
    web = project.programs.get(WEB)
    return Asked(settings, configured, uv, project.folder, packages_of(web.run if web else (), project.server))
