"""pyinfra's own words where they help nobody: its prompt and what stands before it, and a run that has no host left."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable

import click
from pyinfra.api import Host, State
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.state import StateStage

from switchback.settings.errors import Refused

UNREACHED = (
    "can't be reached: is it up, and does ssh by hand get through? (A first ssh by hand also notes the host's key, "
    "without which nobody is let in)"
)


class AllLost(Refused):
    """Ends a run whose last host has failed: how it ended is told by whoever began it."""

    def __init__(self, state: State) -> None:
        super().__init__("no host is left")
        self._state = state

    def show(self, file: object = None) -> None:
        """Add nothing for a person; who asked for JSON is told what pyinfra tells of a run that goes on to its end."""
        if Refused.as_json:
            sys.modules["pyinfra_cli.prints"].print_run_json(self._state, dry=False)


def answer_prompt() -> None:
    """Have pyinfra's prompt end in a sentence where nobody answers: Ctrl-D there, or no terminal, is a traceback.

    Whatever is typed but Enter means no; pyinfra would end with 0 then, as if all had been done.
    """
    line = sys.modules.get("pyinfra_cli.cli")
    if line is not None:
        vars(line)["input"] = _answer


def _answer() -> str:
    try:
        typed = input()
    except EOFError:
        raise Refused("nobody has pressed Enter: add -y to do it, or --dry to look") from None
    if typed.strip():
        raise Refused(f"{typed.strip()!r} was typed, and not Enter alone")
    return ""


# What pyinfra says of its own doings, on the way to what a person wants to see and after it.
_ON_THE_WAY = re.compile(r"--> (Loading|Preparing|Skipping|Disconnecting)|Loading: |.*\] \S*Ready:")


def say_less() -> None:
    """Leave out what pyinfra says of its own doings."""
    logging.getLogger("pyinfra").addFilter(lambda record: not _ON_THE_WAY.match(record.getMessage()))


def obey_no_color() -> None:
    """Have neither pyinfra nor us use colours where NO_COLOR is set, or the terminal knows none.

    Both print by click, which asks for neither; its context, which could say so, is not there in a host's greenlet.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        vars(click.utils)["should_strip_ansi"] = lambda stream=None, color=None: True


def ask(question: str) -> None:
    """Ask in pyinfra's place, right below what a person is to say yes to. Raises Refused for anything but Enter."""
    click.echo(f"\n    Press Enter to {question}, Ctrl-C to leave it: ", err=True, nl=False)
    _answer()
    _asked.append(True)


# Whether somebody has said yes in this run.
_asked: list[bool] = []


def ask_once() -> None:
    """Have pyinfra go on where we have asked already, without the table and the disclaimer that it asks below."""
    line = sys.modules.get("pyinfra_cli.cli")
    if line is None:
        return
    handle = vars(line)["_handle_commands"]

    def handled(*given: object, **named: object) -> tuple[bool, object, object]:
        # With what it can't tell the changes of, pyinfra asks nobody.
        can_tell, state, config = handle(*given, **named)
        return can_tell and not _asked, state, config

    vars(line)["_handle_commands"] = handled


def lose_hosts_in_words(state: State) -> None:
    """Have a run that has no host left say what is known, and not that no host remains."""
    fail: Callable[..., None] = state.fail_hosts

    def fail_hosts(hosts: set[Host], activated_count: int | None = None) -> None:
        try:
            fail(hosts, activated_count)
        except PyinfraError:
            if state.active_hosts:
                raise
            if state.current_stage == StateStage.Execute:
                raise AllLost(state) from None
            why = UNREACHED if state.current_stage < StateStage.Prepare else "can't be looked at, see above"
            raise Refused(*(f"{host.name} {why}" for host in state.inventory if host in state.failed_hosts)) from None

    vars(state)["fail_hosts"] = fail_hosts
