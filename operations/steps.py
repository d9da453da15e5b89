"""One step of a deploy as commands: run it, or fall back because another host has failed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from pyinfra import host, state
from pyinfra.api import StringCommand

from switchback.calls import installed
from switchback.interrupts import Interrupts
from switchback.report import has_gone_back, said_by
from switchback.run import Run

Commands = Generator[StringCommand, None, None]


def step(run: Run, name: str, **request: Any) -> Commands:
    """Yield the command for a step of this run on this host, or none where it has nothing to do.

    + run: what this run does on this host
    + name: the step, as the agent names it
    + request: what the agent is told for this call alone, such as a URL that may hold a password
    """
    if name not in run.steps:
        host.noop(f"{name}: {run.idle or 'not part of this run'}")
        return
    gone = lost(run)
    if not gone:
        Interrupts.committing = Interrupts.committing or (name == "commit" and state.is_executing)
        yield ask(run, name, **request)
    elif run.primary in (run.host, *gone) or name == "commit":
        yield fall_back(run, gone)
    else:
        host.noop("waits for the primary host to take the database back first")


def ask(run: Run, name: str, **request: Any) -> StringCommand:
    """The command that has this host do a step."""
    return installed("step", run.deploy, name, request=request, timeout=run.patience(name))


def lost(run: Run) -> list[str]:
    """The other hosts of a run that have failed by now."""
    return run.lost(failed.name for failed in state.failed_hosts)


def fall_back(run: Run, gone: Sequence[str]) -> StringCommand:
    """The command that makes this host fall back; it ends badly, so that pyinfra drops the host."""
    reason = f"{', '.join(gone)} failed, and a deploy commits on all hosts or on none"
    request = {"reason": reason, "settled": run.primary in gone and has_gone_back(said_by(state, run.primary))}
    return installed("fall-back", run.deploy, request=request, timeout=run.patience("fallback"))
