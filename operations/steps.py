"""The steps of a deploy as commands: run them, or fall back because another host has failed."""

from __future__ import annotations

from collections.abc import Callable, Generator

from pyinfra import host, state
from pyinfra.api import FunctionCommand, StringCommand

from agent.words.outcomes import Cause
from agent.words.requests import FallBack
from switchback.runs.barrier import Barrier, Move
from switchback.runs.run import Run
from switchback.screen.interrupts import Interrupts
from switchback.wire.calls import installed
from switchback.wire.results import has_its_database_back, heard_from

Commands = Generator[StringCommand | FunctionCommand, None, None]


def step(run: Run, name: str) -> Commands:
    """Yield the command for a step of this run on this host, or none where it has nothing to do.

    Steps that need not wait for other hosts go to the host in one call, which is made when the first of them comes.

    + run: what this run does on this host
    + name: the step, as the agent names it
    """
    yield from in_turn(run, name, lambda hosts: hosts.at(name))


def in_turn(run: Run, name: str, move_of: Callable[[Barrier], Move]) -> Commands:
    """The same for a step at which this host's turn is another one than at most.

    + move_of: what this host does, of what has become of the others
    """
    if name not in run.steps:
        host.noop(f"{name}: {run.idle or 'not part of this run'}")
        return
    if name in run.foreseen and not state.is_executing:
        host.noop(f"{name}: {run.foreseen[name]}")
        return
    move = move_of(barrier(run))
    if move is Move.FALLS_BACK:
        yield fall_back(run)
    elif move is not Move.GOES_ON:
        host.noop(move.value)
    elif name != run.together(name)[0]:
        yield done_already()
    else:
        Interrupts.committing = Interrupts.committing or (name == "commit" and state.is_executing)
        yield ask(run, *run.together(name))


def done_already() -> FunctionCommand:
    """Nothing: the call of a step before this one has done it, or this host would not be here any more."""
    return FunctionCommand(lambda: None, (), {})


def ask(run: Run, *names: str) -> StringCommand:
    """The command that has this host do steps."""
    return installed(run.settings.site, run.asks(names), timeout=run.patience(*names))


def barrier(run: Run) -> Barrier:
    """Where this host stands with the others by now."""
    return Barrier.of(run, (failed.name for failed in state.failed_hosts))


def fall_back(run: Run) -> StringCommand:
    """The command that makes this host fall back, because other ones have failed."""
    others = barrier(run)
    reason = others.reason(lambda name: any(one.followed for one in heard_from(name)))
    is_back = run.primary in others.gone and has_its_database_back(run.primary)
    request = FallBack(run.deploy, reason, Cause.ANOTHER_HOST, is_back)
    return installed(run.settings.site, request, timeout=run.patience())
