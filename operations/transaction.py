"""Opening and committing the transaction that a deploy is on each host."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import operation

from operations.steps import Commands, step
from switchback.calls import bring_along, installed
from switchback.payload import agent_fingerprint
from switchback.run import Run


@operation()
def agent(run: Run) -> Commands:
    """
    Install the agent of this checkout, unless the host has it already.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        transaction.agent(run)
    """
    if run.agent == agent_fingerprint() or not run.steps:
        host.noop("the agent is installed")
        return
    yield bring_along("install", {"unit": run.settings.systemd_service}, timeout=120)


@operation()
def begin(run: Run) -> Commands:
    """
    Take the host for this run, open its journal, and set the guard to watch.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        transaction.begin(run)
    """
    if not run.steps:
        host.noop(run.idle)
        return
    yield installed("begin", request=run.request(), timeout=120)


@operation()
def commit(run: Run) -> Commands:
    """
    Decide that the run has gone well: move the links on, write the history, free the host.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        transaction.commit(run)
    """
    yield from step(run, "commit")
