"""What a person reads after a run: how it ended on each host, as the last thing on the screen."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping, Sequence

import click
from pyinfra.api import State

from agent.words.outcomes import Outcome
from switchback import typed
from switchback.document.noted import NOTED
from switchback.ending.ending import Ending, ending
from switchback.ending.recovered import recovered_lines
from switchback.ending.screen import Screen, end_lines
from switchback.hosts.inventory import command_line, options
from switchback.hosts.pyinfra_words import leave_out_headings
from switchback.progress import follow as progress
from switchback.runs.run import Run
from switchback.wire.results import heard_from

COLOURS = {Outcome.COMMITTED: "green", Outcome.REFUSED: "yellow", Outcome.FELL_BACK: "yellow"}
# What is done once a run has ended on its hosts, with how it has; it returns a warning, if there is any.
After = Callable[[Sequence[Run], Sequence[Ending]], str]


def follow(state: State, runs: Sequence[Run], usual: Mapping[str, Mapping[str, float]], after: After) -> None:
    """Show what the hosts are at, and see to it that how the run ended is the last that is printed.

    + usual: how long each step usually takes on each host, seconds; after: is done before the end is told
    """
    state.print_output = True
    leave_out_headings(state)
    NOTED.runs = runs
    stop = progress.follow(state, {run.host: usual[run.host] for run in runs if run.steps}, options().progress)
    atexit.register(_show_end, state, runs, after, stop)


def show_words(state: State) -> None:
    """See to it that what the hosts say is the last thing that is printed, for a run that is no transaction."""
    if _show_words not in _registered:
        _follow_operations(state)
    _once_at_end(_show_words, state)


def follow_recovery(state: State) -> None:
    """Print what the hosts say as they say it, and how they are then as the last of all."""
    if _show_recovered not in _registered:
        state.print_output = True
        _follow_operations(state)
    _once_at_end(_show_recovered, state)


def _follow_operations(state: State) -> None:
    """Show which operation each host is at, in place of pyinfra's headings."""
    leave_out_headings(state)
    progress.follow(state, {host.name: {} for host in state.inventory}, options().progress)


def _once_at_end(show: Callable[[State], None], state: State) -> None:
    # A deploy file is run for each host.
    if show not in _registered:
        _registered.append(show)
        atexit.register(show, state)


_registered: list[Callable[[State], None]] = []


def _show_words(state: State) -> None:
    for host in state.inventory:
        for line in said_by(state, host.name):
            click.echo(f"    [{host.name}] {line}", err=True)


def _show_recovered(state: State) -> None:
    endings = [ending(host.name, heard_from(host.name)) for host in state.inventory if heard_from(host.name)]
    told = [one for one in endings if one.outcome != Outcome.UNKNOWN]
    _show(told, recovered_lines(told, typed.command(command_line(), "recover")))
    known = {one.host for one in told}
    for host in state.inventory:
        # Of one that has told no ending, the last that it has said is what there is.
        for line in said_by(state, host.name)[-1:] if host.name not in known else ():
            click.echo(f"    [{host.name}] {line}", err=True)


def _show_end(state: State, runs: Sequence[Run], after: After, stop: Callable[[], None]) -> None:
    """Print how it ended. Called when the interpreter ends: after pyinfra's own last words, whatever they are."""
    stop()
    if not state.is_executing:
        return
    acting = [run for run in runs if run.steps]
    endings = [ending(run.host, heard_from(run.host)) for run in acting]
    if endings:
        warning = after(acting, endings)
        NOTED.warnings = [warning] if warning else []
        screen = Screen(runs, endings, command_line(), [warning] if warning else [])
        _show(endings, end_lines(screen))


def _show(endings: Sequence[Ending], lines: Sequence[str]) -> None:
    """Print a last screen, its first line in the colour of how it has ended where that is worst."""
    if endings:
        worst = max((one.outcome for one in endings), key=list(Outcome).index)
        first = click.style(lines[0], COLOURS.get(worst, "red"), bold=True)
        for line in ("", first, *lines[1:]):
            click.echo(line, err=True)


def said_by(state: State, host: str, but_by: str = "") -> list[str]:
    """Everything that a host's agent has said to the operations of this run.

    + but_by: how the name of an operation begins that does not count
    """
    ops = state.ops[state.inventory.get_host(host)]
    counted = [key for key in ops if not but_by or not " ".join(state.op_meta[key].names).startswith(but_by)]
    metas = [ops[key].operation_meta for key in counted]
    return [line for meta in metas if meta.is_complete() for line in meta.stdout_lines]
