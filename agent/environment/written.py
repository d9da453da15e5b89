"""A version's launcher, as it is written into the version: everything of the app is started by it."""

from __future__ import annotations

from agent.environment.launcher import RUN
from agent.host.files import write_whole
from agent.host.users import acting_as
from agent.state import State
from agent.text.own import source_of
from agent.versions.layout import Layout

# Python alone, with nothing of the app's on its path.
PROGRAM = "#!/usr/bin/python3 -IS\n"


def launcher_text(layout: Layout, state: State) -> str:
    """The text of the launcher, for the versions of a site."""
    call = f"main({layout.settings.venv_subdir!r}, {str(state.secrets)!r})\n"
    return f"{PROGRAM}{source_of('agent.environment.launcher')}\n\n{call}"


def lay_out(layout: Layout, state: State, version: str) -> None:
    """Write a version's launcher, as the app."""
    with acting_as(layout.app):
        write_whole(layout.version(version) / RUN, launcher_text(layout, state), 0o555)
