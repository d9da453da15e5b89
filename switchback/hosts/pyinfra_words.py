"""pyinfra's own words where they help nobody: its prompt, a run that has no host left, headings and tables."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable

import click
from pyinfra import logger
from pyinfra.api import Host, State
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.state import StateStage

from switchback.settings.errors import OfHost, Refused
from switchback.settings.options import read_command_line

UNREACHED = (
    "can't be reached: is it up, and does ssh by hand get through? (A host whose key is another one by now is refused)"
)

# What pyinfra says of each operation and at the end of all of them, by the function that says it: each is told in one
# line, and how the run has ended, by us. Of `_main` and `cli`, once a run goes on.
OF_OPERATIONS = ("log_operation_start", "run_host_op", "_run_host_op", "log_error_or_warning")
OF_THE_END = ("print_rows", "_main", "cli")


class AllLost(Refused):
    """Ends a run whose last host has failed: how it ended is told by whoever began it."""

    def __init__(self) -> None:
        super().__init__("no host is left")

    def show(self, file: object = None) -> None:
        """Add nothing."""


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
    _asked.append(question)


def ask_below(question: str, show: Callable[[], bool]) -> None:
    """Ask this once all hosts have said what is to be done on them.

    + show: shows that, and returns whether there is anything to ask about
    """
    _to_ask[:] = [(question, show)]


# What somebody has said yes to in this run, and what is yet to be asked.
_asked: list[str] = []
_to_ask: list[tuple[str, Callable[[], bool]]] = []


def ask_alone() -> None:
    """Have pyinfra show no table of operations where we say what they do, and ask nothing where we do that."""
    line = sys.modules.get("pyinfra_cli.cli")
    if line is None:
        return
    handle = vars(line)["_handle_commands"]

    def handled(*given: object, **named: object) -> tuple[bool, object, object]:
        can_tell, state, config = handle(*given, **named)
        flags = read_command_line()
        questions = [question for question, show in _to_ask if show()]
        # A program that reads JSON says yes by -y alone, and pyinfra sees to that.
        if flags.json_output or not (_asked or _to_ask):
            return can_tell, state, config
        if questions and not (flags.dry or flags.yes):
            ask(questions[0])
        # With what it can't tell the changes of, pyinfra shows no table and asks nobody.
        return False, state, config

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
                raise AllLost from None
            why = UNREACHED if state.current_stage < StateStage.Prepare else "can't be looked at, see above"
            lost = [host.name for host in state.inventory if host in state.failed_hosts]
            raise Refused(*(OfHost(name, why, " ") for name in lost)) from None

    vars(state)["fail_hosts"] = fail_hosts


def leave_out_headings(state: State) -> None:
    """Have pyinfra neither head operations nor sum them up, where hosts tell of them themselves. -v has it all."""
    if not state.print_noop_info and not any(isinstance(one, _Headings) for one in logger.filters):
        logger.addFilter(_Headings(state))


class _Headings(logging.Filter):
    """Leaves out what pyinfra says of operations."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether something is said."""
        begins = self._state.current_stage == StateStage.Execute
        ends = self._state.is_executing and record.levelno == logging.INFO
        said_by = (*OF_OPERATIONS, *(OF_THE_END if ends or begins else ()))
        return record.funcName not in said_by
