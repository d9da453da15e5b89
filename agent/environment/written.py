"""What is written into a version as its build begins: the launcher, by which everything of the app is started, and the
version's own variables."""

from __future__ import annotations

from agent.environment import given, variables
from agent.environment.launcher import ENV, RUN
from agent.host.files import write_whole
from agent.host.users import acting_as
from agent.state import State
from agent.text.own import source_of
from agent.transaction.step import StepContext
from agent.versions.layout import Layout

# Python alone, with nothing of the app's on its path.
PROGRAM = "#!/usr/bin/python3 -IS\n"


def launcher_text(layout: Layout, state: State) -> str:
    """The text of the launcher, for the versions of a site."""
    call = f"main({layout.settings.venv_subdir!r}, {str(state.secrets)!r})\n"
    return f"{PROGRAM}{source_of('agent.environment.launcher')}\n\n{call}"


def lay_out(step: StepContext) -> None:
    """Write them, as the app."""
    folder, text = step.layout.version(step.version), launcher_text(step.layout, step.transaction.state)
    env = given.of(step.transaction).env
    with acting_as(step.layout.app):
        write_whole(folder / RUN, text, 0o555)
        if env:
            write_whole(folder / ENV, variables.written(env), 0o440)
