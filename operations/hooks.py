"""The project's own commands at the points of a run, where the settings have any."""

from __future__ import annotations

from pyinfra.api import operation

from operations.steps import Commands, step
from switchback.runs.run import Run


def at(point: str, run: Run) -> None:
    """
    Run what the settings have at a point; where they have nothing for it, there is no operation.

    + point: as docs/hooks.md has it
    + run: what this run does on this host
    """
    if point in run.steps:
        on_host(run=run, point=point, name=f"Hooks: {point}")


@operation()
def on_host(run: Run, point: str) -> Commands:
    """
    Follow the step of a point on this host.

    + run: what this run does on this host
    + point: as docs/hooks.md has it
    """
    yield from step(run, point)
