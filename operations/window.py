"""The steps that touch the live site. Whichever fails, the host falls back in that same call."""

from __future__ import annotations

from pyinfra.api import operation

from operations.steps import Commands, step
from switchback.runs.run import Run


@operation()
def backup_before(run: Run) -> Commands:
    """
    Back the database up while the site is still up, when nothing in the window will change it.

    + run: what this run does on this host
    """
    yield from step(run, "backup_before")


@operation()
def start_maintenance(run: Run) -> Commands:
    """
    Show visitors the maintenance page.

    + run: what this run does on this host
    """
    yield from step(run, "maintenance_start")


@operation()
def pause(run: Run) -> Commands:
    """
    Stop what writes to the database besides the web, while that is changed.

    + run: what this run does on this host
    """
    yield from step(run, "pause")


@operation()
def backup(run: Run) -> Commands:
    """
    Back the database up inside the window, when it is about to be changed: a restore then loses nothing.

    + run: what this run does on this host
    """
    yield from step(run, "backup")


@operation()
def migrate(run: Run) -> Commands:
    """
    Bring the database to where the version needs it, on the primary host.

    + run: what this run does on this host
    """
    yield from step(run, "migrate")


@operation()
def swap(run: Run) -> Commands:
    """
    Make the version the current one; no reader ever finds a link missing.

    + run: what this run does on this host
    """
    yield from step(run, "swap")


@operation()
def install_script(run: Run) -> Commands:
    """
    Run the project's own install script, if the settings name one.

    + run: what this run does on this host
    """
    yield from step(run, "install_script")


@operation()
def restart(run: Run) -> Commands:
    """
    Restart the service.

    + run: what this run does on this host
    """
    yield from step(run, "restart")


@operation()
def health(run: Run) -> Commands:
    """
    Prove that the app answers, and that every process runs from the version.

    + run: what this run does on this host
    """
    yield from step(run, "health")


@operation()
def stop_maintenance(run: Run) -> Commands:
    """
    Let visitors in again.

    + run: what this run does on this host
    """
    yield from step(run, "maintenance_stop")


@operation()
def schedule(run: Run) -> Commands:
    """
    Have the host run at times what the version wants.

    + run: what this run does on this host
    """
    yield from step(run, "schedule")


@operation()
def site(run: Run) -> Commands:
    """
    Ask the website as a visitor would.

    + run: what this run does on this host
    """
    yield from step(run, "site")


@operation()
def watch(run: Run) -> Commands:
    """
    Watch whether the app stays well, with visitors served.

    + run: what this run does on this host
    """
    yield from step(run, "watch")
