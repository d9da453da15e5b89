"""Telling several hosts that their controller is still there, while they wait for each other."""

from __future__ import annotations

import contextlib

import gevent
from pyinfra.api import State

from agent.words.requests import Go
from switchback.hosts.inventory import settings_of
from switchback.hosts.link import LOST
from switchback.wire.calls import to_runner
from switchback.wire.results import AgentCommand, heard_from

# How long a host may take to hear it, seconds.
HEARS_WITHIN = 30.0


def stay_present(state: State, name: str, deploy: str, every: float) -> None:
    """Tell a host again and again, from when it has begun the run until that has ended.

    + name: the host's; deploy: the run's id; every: how often, seconds
    """
    site = settings_of(state.inventory.get_host(name)).site
    gevent.spawn(_say_so, state, name, to_runner(site, Go(deploy, ""), timeout=HEARS_WITHIN), every)


def _say_so(state: State, name: str, command: AgentCommand, every: float) -> None:
    host = state.inventory.get_host(name)
    while not any(one.outcome for one in heard_from(name)):
        gevent.sleep(every)
        # Whoever can't be reached is found out by the operations.
        if heard_from(name) and host in state.active_hosts:
            with contextlib.suppress(*LOST):
                command.run_unheard(host)
