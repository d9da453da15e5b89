"""How the calls of the hosts' agents have ended: taken off what they print, and kept for who asks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any, Protocol

import click
from pyinfra.api import Host, QuoteString, State, StringCommand
from pyinfra.api.arguments import ConnectorArguments
from pyinfra.api.output import set_echo
from pyinfra.connectors import util
from pyinfra.connectors.util import CommandOutput

from agent.text.lines import shown
from agent.words.outcomes import Outcome
from agent.words.result import MARK, NEWS, News, Result, StepTold, is_framed, read_news, read_result

COLOUR = re.compile(r"\x1b\[[\d;]*m")
COLOURS = re.compile(f"({COLOUR.pattern})")
# How many lines are kept of what is printed as it comes.
KEPT = 1000
# By the host's name, oldest first.
_heard: dict[str, list[Result]] = {}
OF_HOST = re.compile(r"\[(.+?)\]")


class Listener(Protocol):
    """Who is told what hosts tell, as soon as they do."""

    def news(self, host: str, news: News) -> None:
        """Hear what a host is at."""

    def result(self, host: str, result: Result) -> None:
        """Hear how a call of a host's agent has ended."""


_listeners: list[Listener] = []
_stamps: list[Callable[[], str]] = []


class LastLines(Queue[util.OutputLine]):
    """What pyinfra keeps of a command's output where it is printed as it comes: without this, an hour of it."""

    def _init(self, maxsize: int) -> None:
        self.queue = deque(maxlen=KEPT)


def listen(listener: Listener) -> None:
    """Have somebody told from now on."""
    _listeners.append(listener)


def stamp_lines(stamp: Callable[[], str]) -> None:
    """Have each line that a host says from now on begin with what this says then."""
    _stamps[:] = [stamp]


_overhearing: list[Callable[[str, str], None]] = []


def overhear(listener: Callable[[str, str], None]) -> None:
    """Have what hosts print given to somebody from now on, with the host's name, and printed nowhere."""
    _overhearing[:] = [listener]


def say(host: str, line: str) -> None:
    """Print a line of our own among those that hosts say."""
    _print(f"[{click.style(host, bold=True)}] {line}", err=True)


class AgentCommand(StringCommand):
    """A command that ends with a result: it is kept, and is no line of its output any more.

    + asks: what the agent is asked, for people to read: where pyinfra shows the command, that is a comment behind it
    """

    def __init__(self, *bits: str | QuoteString, asks: str, **arguments: Any) -> None:
        super().__init__(*bits, **arguments)
        self.asks = asks

    def get_masked_value(self) -> str:
        """The command as it is shown."""
        return f"{super().get_masked_value()} # {self.asks}"

    def execute(self, state: State, host: Host, connector_arguments: ConnectorArguments) -> tuple[bool, CommandOutput]:
        """Run it on a host, as part of an operation."""
        ok, output = super().execute(state, host, connector_arguments)
        _take_off(host, output)
        return ok, output

    def run_beside(self, host: Host) -> list[str]:
        """Run it on a host beside its operations; nothing of it is printed. Returns what it has said."""
        return _take_off(host, self.run_unheard(host))

    def run_aloud(self, host: Host) -> list[str]:
        """The same, and what it says is printed as it comes."""
        arguments = dict(self.connector_arguments)
        _, output = host.run_shell_command(self, print_output=True, _sudo=True, **arguments)
        return _take_off(host, output)

    def run_unheard(self, host: Host) -> CommandOutput:
        """The same, where nobody wants to know what becomes of it."""
        _, output = host.run_shell_command(self, _sudo=True, **dict(self.connector_arguments))
        return output


def _take_off(host: Host, output: CommandOutput) -> list[str]:
    result = read_result(output.stdout_lines)
    output.combined_lines = [one for one in output.combined_lines if not is_framed(one.line)]
    if result is not None:
        heard_from(host.name).append(result)
        for one in _listeners:
            one.result(host.name, result)
    return [shown(line) for line in output.stdout_lines if not is_framed(line)]


def heard_from(host: str) -> list[Result]:
    """How the calls of a host's agent in this run have ended, oldest first."""
    return _heard.setdefault(host, [])


def told_of(host: str, step: str) -> StepTold | None:
    """What a host has told of a step that has ended well; None while it has not."""
    return next((told for one in reversed(heard_from(host)) for told in one.steps if told.name == step), None)


def outcome_of(host: str) -> Outcome:
    """How the run has ended on a host, as far as it has told."""
    return next((one.outcome for one in reversed(heard_from(host)) if one.outcome), Outcome.UNKNOWN)


def has_its_database_back(host: str) -> bool:
    """Whether a host has told that it is back where it was, and its database with it."""
    return any(one.database_back for one in heard_from(host))


def keep_results_from_sight() -> None:
    """Have pyinfra, which prints what a host says as it comes, leave out what is for us alone."""
    set_echo(_echo)


@contextmanager
def on_stdout(without: str = "") -> Iterator[None]:
    """Have what hosts say printed on standard output meanwhile, since that is what is asked for; of it the end is kept.

    + without: what each line begins with, and is left out
    """

    def echo(message: object = None, **arguments: bool) -> None:
        _echo(str(message or "").removeprefix(without or "    "), **{**arguments, "err": False})

    whole = vars(util)["Queue"]
    set_echo(echo)
    vars(util)["Queue"] = LastLines
    try:
        yield
    finally:
        set_echo(_echo)
        vars(util)["Queue"] = whole


def _echo(message: object = None, **arguments: Any) -> None:
    text = str(message or "")
    if NEWS in text:
        _hear_news(*text.split(NEWS, 1))
    elif MARK not in text:
        plain = COLOUR.sub("", text)
        # What is asked of a host comes this way too (-vv).
        said = OF_HOST.match(plain) if ">>>" not in text else None
        if said and _overhearing:
            _overhearing[0](said[1], shown(plain[said.end() :].strip()))
        else:
            _print(text, err=arguments.get("err", False))


def _print(text: str, err: bool) -> None:
    stamps = _stamps if OF_HOST.match(COLOUR.sub("", text)) and ">>>" not in text else []
    click.echo("".join([*(f"{stamp()} " for stamp in stamps), without_orders(text)]), err=err)


def _hear_news(prefix: str, rest: str) -> None:
    named, news = OF_HOST.match(COLOUR.sub("", prefix)), read_news(NEWS + rest)
    if named and news:
        for one in _listeners:
            one.news(named[1], news)


def without_orders(text: str) -> str:
    """A text in which nothing but pyinfra's own colours is obeyed by a terminal."""
    return "".join(part if COLOUR.fullmatch(part) else shown(part) for part in COLOURS.split(text))
