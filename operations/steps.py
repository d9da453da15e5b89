"""The steps of a deploy as commands: follow them, or fall back because another host has failed."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra import host, state
from pyinfra.api import FunctionCommand, StringCommand
from pyinfra.api.output import echo

from agent.words.outcomes import Cause
from agent.words.requests import FallBack
from switchback.hosts.link import lingers
from switchback.runs.barrier import Barrier, Move
from switchback.runs.run import Run
from switchback.screen.interrupts import Interrupts
from switchback.wire.calls import to_runner
from switchback.wire.results import has_its_database_back, heard_from, told_of

Commands = Generator[StringCommand | FunctionCommand, None, None]


def step(run: Run, name: str) -> Commands:
    """Yield the command that follows a step of this run on this host, or none where it has nothing to do.

    The host may be ahead: a step that is known to have ended is shown, and nobody is asked for it.

    + run: what this run does on this host
    + name: the step, as the agent names it
    """
    if name not in run.steps:
        host.noop(f"{name}: {run.idle or 'not part of this run'}")
        return
    move = barrier(run).at(name)
    told = told_of(host.name, name) if state.is_executing and move is Move.GOES_ON else None
    if told:
        yield show(told.lines)
    else:
        # What its commands print is for who wants to see more than what becomes of it.
        asks = to_runner(
            run.settings.site,
            run.goes(name, lingers(host, len(heard_from(host.name))), verbose=state.print_noop_info),
            timeout=run.patience(name),
        )
        yield from moved(run, move, asks)


def moved(run: Run, move: Move, asks: StringCommand) -> Commands:
    """Yield what a host does at its turn.

    + asks: the command by which it goes on
    """
    if move is Move.FALLS_BACK:
        yield fall_back(run)
    elif move is not Move.GOES_ON:
        host.noop(move.value)
    else:
        yield asks


def show(lines: Sequence[str]) -> FunctionCommand:
    """Nothing but to show what the host has said already."""

    def say() -> None:
        for line in lines:
            echo(f"{host.print_prefix}{line}", err=True)

    return FunctionCommand(say, (), {})


def barrier(run: Run) -> Barrier:
    """Where this host stands with the others by now."""
    return Barrier.of(run, (failed.name for failed in state.failed_hosts))


def decides() -> None:
    """Take Ctrl-C for too late from now on: a host may commit."""
    Interrupts.committing = Interrupts.committing or state.is_executing


def fall_back(run: Run) -> StringCommand:
    """The command that makes this host fall back, because other ones have failed."""
    return to_runner(run.settings.site, falls_back(run), timeout=run.patience())


def falls_back(run: Run) -> FallBack:
    """What a host is told then."""
    others = barrier(run)
    reason = others.reason(lambda name: any(one.followed for one in heard_from(name)))
    is_back = run.primary in others.gone and has_its_database_back(run.primary)
    return FallBack(run.deploy, reason, Cause.ANOTHER_HOST, is_back)
