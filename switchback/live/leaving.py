"""Leaving a host to itself at Ctrl-C: an orderly end would wait for what it does."""

from __future__ import annotations

import signal
from types import FrameType

import click

from switchback.document.end import leave as end_now

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def leave_when_asked(says: str = "") -> None:
    """Go at once from now on, when asked to stop.

    + says: what becomes of what the host does
    """

    def leave(number: int, frame: FrameType | None) -> None:
        if says:
            click.echo(f"    {says}", err=True)
        end_now()

    for number in SIGNALS:
        signal.signal(number, leave)
