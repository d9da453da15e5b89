"""What is done around deploys: deleting old versions, pinning one, taking over what was there, recovering."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host, state
from pyinfra.api import operation

from agent.steps.kind import PATIENCE
from agent.words.facts import Removal
from agent.words.requests import Adopt, Pin, Recover, Remove
from operations.announce import announce, nothing
from operations.steps import Commands, show
from switchback.runs.run import Cleaning, Run
from switchback.settings.model import Settings
from switchback.wire.calls import bring_along, installed, to_runner


@operation()
def clean(cleaning: Cleaning) -> Commands:
    """
    Delete the versions that nobody needs any more.

    + cleaning: what to keep, or what to delete by name
    """
    if cleaning.idle:
        host.noop(cleaning.idle)
        return
    yield to_runner(cleaning.settings.site, cleaning.request(), timeout=900)


@operation()
def clean_after(run: Run) -> Commands:
    """
    Delete the versions that nobody needs any more once a deploy has committed.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        housekeeping.clean_after(run, _ignore_errors=True)
    """
    if run.steps and run.cleans_at_once and state.is_executing:
        # In the call of the commit: it is shown there.
        yield show(())
        return
    yield from clean._inner(run.cleaning())


@operation()
def pin(site: str, version: str, pinned: bool) -> Commands:
    """
    Keep a version from being deleted, or let it go again.

    + site: whose it is
    + version: its name
    + pinned: whether it is kept
    """
    yield installed(site, Pin(version, pinned), timeout=60)


@operation()
def adopt(site: str, versions: Sequence[str]) -> Commands:
    """
    Take versions that a person or another tool has made, and that work, for working ones.

    + site: whose they become
    + versions: their names; none for a host with nothing to take over
    """
    if not versions:
        nothing("nothing to take over")
        return
    announce(f"Will take over {', '.join(versions)}", f"marks of {', '.join(versions)}")
    yield installed(site, Adopt(tuple(versions)), timeout=60)


@operation()
def recover(settings: Settings, database: str | None, force: bool) -> Commands:
    """
    Tell what happened to a deploy that needs a person, finish its fallback, and free the host.

    + settings: the host's
    + database: `keep` when a person has put the database right
    + force: whether the host is freed even if something can't be undone
    """
    well = PATIENCE * settings.health_timeout
    limit = settings.migrate_timeout + settings.script_timeout + settings.restart_timeout + well
    yield to_runner(settings.site, Recover(database, force), timeout=limit + 60)


@operation()
def remove(settings: Settings, removal: Removal) -> Commands:
    """
    Take off the host what is Switchback's own of a site. What the site needs to run stays.

    + settings: the host's
    + removal: what goes
    """
    if not removal.goes:
        host.noop("nothing of Switchback's is here")
        return
    yield bring_along(settings.site, Remove(settings.for_host(), look=False), timeout=900)
