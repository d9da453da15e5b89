"""The steps of a deploy as commands: run them, or fall back because another host has failed."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra import host, state
from pyinfra.api import FunctionCommand, StringCommand

from switchback.calls import installed
from switchback.interrupts import Interrupts
from switchback.run import Run

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
    lost = run.lost(failed.name for failed in state.failed_hosts)
    if not lost:
        together = run.together(name)
        if name != together[0]:
            yield FunctionCommand(_done_already, (), {})
            return
        Interrupts.committing = Interrupts.committing or (name == "commit" and state.is_executing)
        told = {one: run.told(one) for one in together}
        yield installed("step", run.deploy, ",".join(together), request=told, timeout=run.patience(*together))
    elif run.primary in (run.host, *lost) or name == "commit":
        yield fall_back(run, lost)
    else:
        host.noop("waits for the primary host to take the database back first")


def _done_already() -> None:
    """Nothing: the call of a step before this one has done it, or this host would not be here any more."""


def fall_back(run: Run, lost: Sequence[str]) -> StringCommand:
    """The command that makes this host fall back; it ends badly, so that pyinfra drops the host."""
    reason = f"{', '.join(lost)} failed, and a deploy commits on all hosts or on none"
    request = {"reason": reason, "settled": run.primary in lost}
    return installed("fall-back", run.deploy, request=request, timeout=run.patience())
