"""Ctrl-C during a run: every host falls back at once. A second one leaves it to them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click
import gevent
from pyinfra.api import State

from agent.words.outcomes import Cause
from agent.words.requests import FallBack
from switchback.document.end import STOPS, leave
from switchback.ended import STOPPED
from switchback.hosts.link import LOST
from switchback.runs.run import Run
from switchback.wire.calls import to_runner
from switchback.wire.results import has_its_database_back

INTERRUPTED = "interrupted at the controller"


class Interrupts:
    """What a run does when it is asked to stop.

    + runs: what it does on each host
    """

    # Once a host may have committed, the others are to do so too.
    committing = False
    # Whether it was asked to stop.
    asked = False

    def __init__(self, state: State, runs: Sequence[Run]) -> None:
        self._state = state
        self._runs = [run for run in runs if run.steps]
        self._asked = 0

    def catch(self) -> None:
        """Handle Ctrl-C, and being asked to end, from now on."""
        for number in STOPS:
            signal.signal(number, self._interrupted)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1
        Interrupts.asked = True
        if not self._state.is_executing:
            click.echo("    Interrupted before anything was changed.", err=True)
            sys.exit(STOPPED)
        if Interrupts.committing:
            click.echo("    Too late: the hosts are committing. Wait a moment.", err=True)
        elif self._asked == 1:
            click.echo("    Interrupted: every host falls back now. Wait, or press Ctrl-C again to leave.", err=True)
            gevent.spawn(self._fall_back)
        else:
            self._leave()

    def _leave(self) -> None:
        longest = max(self._runs, key=lambda run: run.settings.confirm_timeout).falls_back_alone
        click.echo(
            f"    Left. Each host goes on falling back by itself, {longest}. Look with deploys/status.py.", err=True
        )
        leave()

    def _fall_back(self) -> None:
        """Tell the primary host first: the others' old versions may need its database."""
        primary = [run for run in self._runs if run.host == run.primary]
        others = [run for run in self._runs if run.host != run.primary]
        for group in (primary, others):
            gevent.joinall([gevent.spawn(self._fall_back_on, run) for run in group])

    def _fall_back_on(self, run: Run) -> None:
        host = self._state.inventory.get_host(run.host)
        is_back = run.host != run.primary and has_its_database_back(run.primary)
        request = FallBack(run.deploy, INTERRUPTED, Cause.PERSON, is_back)
        command = to_runner(run.settings.site, request, timeout=run.patience())
        try:
            command.run_beside(host)
        except LOST as problem:
            why = str(problem) or type(problem).__name__
            click.echo(f"    [{run.host}] does not answer ({why}): it falls back by itself.", err=True)
