"""Building a version: a directory with everything that the app is made of. The live one is never touched."""

from __future__ import annotations

from pyinfra.api import operation

from operations.steps import Commands, step
from switchback.runs.run import Run


@operation()
def code(run: Run) -> Commands:
    """
    Check out the code at the run's commit.

    + run: what this run does on this host
    """
    yield from step(run, "code")


@operation()
def config(run: Run) -> Commands:
    """
    Check out the config at the run's commit.

    + run: what this run does on this host
    """
    yield from step(run, "config")


@operation()
def shared(run: Run) -> Commands:
    """
    Link the code to the directories and files that outlive its versions, in ~/shared of the app's user.

    + run: what this run does on this host
    """
    yield from step(run, "shared")


@operation()
def venv(run: Run) -> Commands:
    """
    Make the version's own virtual environment and install its requirements, with uv where the host has it.

    + run: what this run does on this host
    """
    yield from step(run, "venv")


@operation()
def build_script(run: Run) -> Commands:
    """
    Run the project's own build script, if the settings name one.

    + run: what this run does on this host
    """
    yield from step(run, "build_script")


@operation()
def static(run: Run) -> Commands:
    """
    Collect the static files into the version, whatever STATIC_ROOT says.

    + run: what this run does on this host
    """
    yield from step(run, "static")


@operation()
def checks(run: Run) -> Commands:
    """
    Run Django's checks, and find out which migrations are to come and how they would be undone.

    + run: what this run does on this host
    """
    yield from step(run, "checks")


@operation()
def seal(run: Run) -> Commands:
    """
    Make the version unchangeable and mark it as whole.

    + run: what this run does on this host
    """
    yield from step(run, "seal")


@operation()
def trial(run: Run) -> Commands:
    """
    Start the version where no visitor comes: what keeps it from coming up shows here.

    + run: what this run does on this host
    """
    yield from step(run, "trial")
