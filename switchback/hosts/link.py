"""The link to a host: quick for small packets, and given up when nothing answers any more."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import click
import gevent
from paramiko import SSHException
from pyinfra.api import Host

if TYPE_CHECKING:
    from paramiko import Transport

# What whoever uses a link that is lost ends with.
LOST = (OSError, EOFError, SSHException)
# How often a host is asked for a sign of life, and how long it may take to give one, seconds.
ASK_EVERY = 5.0
ANSWER_WITHIN = 20.0

# How long an answer may wait for more to tell: so many times as long as a host takes to answer at all, between so many
# seconds; and each time so much longer. A host over a long link is asked seldom, and near the screen is hardly late.
TIMES, LEAST, MOST = 20, 0.5, 2.0

_watched: dict[str, Transport] = {}
# How long hosts took to answer when they were last asked for a sign of life, seconds.
_took: dict[str, float] = {}


def lingers(host: Host, times: int) -> float:
    """How long a host may wait with an answer that nobody is in need of, seconds.

    + times: how often it has answered in this run
    """
    return min(max(TIMES * _took.get(host.name, 0.0), LEAST), MOST) * max(1, times)


def tend(host: Host) -> None:
    """Make the link of a host answer at once, and watch over it from now on. A connector without SSH needs neither."""
    client = getattr(host.connector, "client", None)
    transport = client.get_transport() if client else None
    if transport is None or _watched.get(host.name) is transport:
        return
    _watched[host.name] = transport
    # Over SSH every command is a few small packets; each would wait for more to come.
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    gevent.spawn(_watch, host.name, transport)


def _watch(name: str, transport: Transport) -> None:
    """Close the link when the host gives no sign of life: whatever waits for it then ends, and fails."""
    while transport.is_active():
        alive, began = False, time.monotonic()
        with gevent.Timeout(ANSWER_WITHIN, exception=False):  # type: ignore[arg-type]
            # Any answer will do; servers refuse a request that they do not know, which is one.
            transport.global_request("keepalive@openssh.com", wait=True)
            alive = True
            _took[name] = time.monotonic() - began
        if not alive and transport.is_active():
            click.echo(f"    [{name}] gives no sign of life any more: its link is given up", err=True)
            transport.close()
        gevent.sleep(ASK_EVERY)
