"""Opening and committing the transaction that a deploy is on each host."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import Host, State, operation

from agent.words.requests import Install
from operations.steps import Commands, ask, in_turn
from switchback.hosts.gateway import for_all_hosts, reached, settle
from switchback.runs.barrier import Barrier
from switchback.runs.run import Run
from switchback.wire.calls import bring_along
from switchback.wire.payload import agent_fingerprint


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
    yield bring_along(run.settings.site, Install(), timeout=120)


@operation()
def begin(run: Run) -> Commands:
    """
    Take the host for this run, open its journal, and set the guard to watch. A host alone builds in the same call.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        transaction.begin(run)
    """
    if not run.steps:
        host.noop(run.idle)
        return
    yield ask(run, *run.together("begin"))


@operation()
def commit_first(run: Run) -> Commands:
    """
    Decide on the primary host that the run has gone well: it has the database, and the others follow.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        transaction.commit_first(run)
        transaction.commit(run)
    """
    yield from in_turn(run, "commit", Barrier.at_decision)


@operation()
def commit(run: Run) -> Commands:
    """
    Do on the other hosts as the primary host has decided: move the links on, write the history, free the host.

    + run: what this run does on this host
    """
    yield from in_turn(run, "commit", lambda hosts: hosts.at_following(lambda: has_committed(run)))


def has_committed(run: Run) -> bool:
    """Whether the primary host, which was lost as it decided, has committed. Asked once for all of the others."""

    def settle_primary(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
        # Well before the others' own guards take them back.
        patience = run.settings.confirm_timeout / 2
        committed = settle(state, run.primary, run.deploy, patience, run.patience())
        return dict.fromkeys((one.name for one in hosts), committed)

    return for_all_hosts("settle", settle_primary, among=reached)
