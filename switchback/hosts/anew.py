"""A word whose answer is lost with its link, and that is asked for once more over a new one: it may be said twice."""

from __future__ import annotations

import time

import gevent
from pyinfra.api import Host, State
from pyinfra.api.arguments import ConnectorArguments
from pyinfra.connectors.util import CommandOutput

from switchback.hosts.link import LOST, tend
from switchback.wire.results import AgentCommand, heard_from

# How often a host that was lost is tried again, seconds.
TRY_AGAIN = 1.0


def link_anew(host: Host, patience: float) -> bool:
    """Reach a host over a new link. Returns whether that was to be had.

    + patience: for how long to try, seconds
    """
    end = time.monotonic() + patience
    while True:
        host.disconnect()
        host.connect(show_errors=False)
        if host.connected:
            tend(host)
            return True
        if time.monotonic() > end:
            return False
        gevent.sleep(TRY_AGAIN)


class SaidTwice(AgentCommand):
    """A command that is run once more where its link was lost before there was an answer.

    + command: what is asked; patience: for how long a new link is tried, seconds
    """

    def __init__(self, command: AgentCommand, patience: float) -> None:
        super().__init__(*command.bits, asks=command.asks, **command.connector_arguments)
        self._patience = patience

    def execute(self, state: State, host: Host, connector_arguments: ConnectorArguments) -> tuple[bool, CommandOutput]:
        """Run it on a host, as part of an operation."""
        before = len(heard_from(host.name))
        try:
            ok, output = super().execute(state, host, connector_arguments)
        except LOST:
            if not link_anew(host, self._patience):
                raise
        else:
            if ok or len(heard_from(host.name)) > before or not link_anew(host, self._patience):
                return ok, output
        return super().execute(state, host, connector_arguments)
