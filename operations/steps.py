"""The steps of a deploy as commands: run them, or fall back because another host has failed."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra import host, state
from pyinfra.api import FunctionCommand, StringCommand

from agent.words.outcomes import Cause
from switchback.runs.run import Run
from switchback.screen.interrupts import Interrupts
from switchback.wire import calls
from switchback.wire.results import has_its_database_back, heard_from

Commands = Generator[StringCommand | FunctionCommand, None, None]


def step(run: Run, name: str) -> Commands:
    """Yield the command for a step of this run on this host, or none where it has nothing to do.

    Steps that need not wait for other hosts go to the host in one call, which is made when the first of them comes.

    + run: what this run does on this host
    + name: the step, as the agent names it
    """
    if name not in run.steps:
        host.noop(f"{name}: {run.idle or 'not part of this run'}")
        return
    if name in run.foreseen and not state.is_executing:
        host.noop(f"{name}: {run.foreseen[name]}")
        return
    gone = lost(run)
    if not gone:
        together = run.together(name)
        if name != together[0]:
            yield done_already()
            return
        Interrupts.committing = Interrupts.committing or (name == "commit" and state.is_executing)
        yield ask(run, *together)
    elif run.primary in (run.host, *gone) or name == "commit":
        yield fall_back(run, gone)
    else:
        host.noop("waits for the primary host to take the database back first")


def done_already() -> FunctionCommand:
    """Nothing: the call of a step before this one has done it, or this host would not be here any more."""
    return FunctionCommand(lambda: None, (), {})


def ask(run: Run, *names: str) -> StringCommand:
    """The command that has this host do steps."""
    told = {name: run.told(name) for name in names}
    if run.cleans_at_once and "commit" in names:
        told["clean"] = run.cleaning().request()
    return calls.installed("step", run.deploy, ",".join(names), request=told, timeout=run.patience(*names))


def lost(run: Run) -> list[str]:
    """The other hosts of a run that have failed by now."""
    return run.lost(failed.name for failed in state.failed_hosts)


def fall_back(run: Run, gone: Sequence[str]) -> StringCommand:
    """The command that makes this host fall back, because other ones have failed."""
    # Those that only follow another one have not failed themselves.
    failed = [name for name in gone if not any(one.followed for one in heard_from(name))]
    reason = f"{', '.join(failed or gone)} failed, and a deploy commits on all hosts or on none"
    settled = run.primary in gone and has_its_database_back(run.primary)
    return calls.fall_back(run.deploy, reason, Cause.ANOTHER_HOST, run.patience(), settled)
