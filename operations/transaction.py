"""Opening and committing the transaction that a deploy is on each host."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from pyinfra import host
from pyinfra.api import Host, State, operation

from agent.words.requests import Install
from operations.steps import Commands, barrier, decides, falls_back, moved
from switchback.hosts.anew import SaidTwice
from switchback.hosts.gateway import for_all_hosts, reached, settle, take_part_again, tell
from switchback.runs.barrier import Move
from switchback.runs.run import BEGIN_LIMIT, ON_THE_WAY, Run
from switchback.screen.interrupts import Interrupts
from switchback.wire.calls import bring_along, to_runner
from switchback.wire.payload import agent_fingerprint

# For how long a host is looked for at most that is lost as it commits, seconds.
TRIES_FOR = 20.0


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
    Take the host for this run, and open its journal. A host alone goes on with the build by itself.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        transaction.begin(run)
    """
    if not run.steps:
        host.noop(run.idle)
        return
    yield to_runner(run.settings.site, run.begins(), timeout=BEGIN_LIMIT + ON_THE_WAY)


@operation()
def all_well(run: Run) -> Commands:
    """
    Tell this host that all hosts of the run are well. From then on it commits, also if it hears nothing more.

    + run: what this run does on this host

    **Example:**

    .. code:: python

        transaction.all_well(run)
        transaction.commit(run)
    """
    if not run.steps:
        host.noop(run.idle)
        return
    if len(run.hosts) == 1:
        host.noop("a host alone commits at one word")
        return
    move = barrier(run).at("all well")
    if move is Move.GOES_ON:
        decides()
    yield from moved(run, move, to_runner(run.settings.site, run.is_well(), timeout=run.patience()))


@operation()
def commit(run: Run) -> Commands:
    """
    Commit: move the links on, write the history, free the host.

    + run: what this run does on this host
    """
    if not run.steps:
        host.noop(run.idle)
        return
    move = barrier(run).at_commit(lambda: Interrupts.committing and have_heard(run))
    decides()
    word = to_runner(run.settings.site, run.commits(), timeout=run.patience())
    # It has ended there, one way or the other, by the time that a lost link is known of.
    yield from moved(run, move, SaidTwice(word, patience=min(run.settings.confirm_timeout / 2, TRIES_FOR)))


def have_heard(run: Run) -> bool:
    """Whether the hosts that were lost as they were told that all are well have heard it by now.

    They are told again, over new links. Asked once for all of the others. These are at the commit by now, so those that
    were lost are told it here; or that they fall back with the others.
    """

    def settle_lost(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
        # Well before the others go on by themselves.
        patience = run.settings.confirm_timeout / 2
        gone = barrier(run).gone
        back = [*takewhile(lambda name: settle(state, name, run.is_well(), patience, run.patience()), gone)]
        heard = len(back) == len(gone)
        for name in back:
            tell(state, name, run.commits() if heard else falls_back(run), run.patience())
            if heard:
                take_part_again(state, name)
        return dict.fromkeys((one.name for one in hosts), heard)

    return for_all_hosts("settle", settle_lost, among=reached)
