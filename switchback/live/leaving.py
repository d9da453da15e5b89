"""Leaving a host to itself at Ctrl-C: an orderly end would wait for what it does."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import click

from switchback.screen.interrupts import EXIT_CODE

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def leave_when_asked(says: str = "") -> None:
    """Go at once from now on, when asked to stop.

    + says: what becomes of what the host does
    """

    def leave(number: int, frame: FrameType | None) -> None:
        if says:
            click.echo(f"    {says}", err=True)
        sys.stdout.flush()
        os._exit(EXIT_CODE)

    for number in SIGNALS:
        signal.signal(number, leave)
