"""The project's own commands at the points of a run, where the settings have any."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra.api import Host, State, operation
from pyinfra.api.arguments import ConnectorArguments
from pyinfra.api.command import PyinfraCommand

from agent.words.outcomes import Outcome
from agent.words.result import Result
from operations.steps import Commands, step
from switchback.hosts.gateway import for_all_hosts, reached
from switchback.runs.run import Run
from switchback.screen import controller
from switchback.screen.interrupts import Interrupts
from switchback.wire.results import heard_from

BEFORE = "before_build"


def at(point: str, run: Run) -> None:
    """
    Run what the settings have at a point; where they have nothing for it, there is no operation.

    + point: as docs/hooks.md has it
    + run: what this run does on this host
    """
    if point in run.steps:
        on_host(run=run, point=point, name=f"Hooks: {point}")


def before_all(run: Run) -> None:
    """
    Run here what comes before a build, once for all hosts and before any of them is taken.

    + run: what this run does on this host
    """
    if "code" in run.steps and run.settings.for_host().hooks_at(BEFORE, "controller"):
        on_controller(run=run, name=f"Hooks: {BEFORE}, {controller.ON_CONTROLLER}")


@operation()
def on_host(run: Run, point: str) -> Commands:
    """
    Follow the step of a point on this host.

    + run: what this run does on this host
    + point: as docs/hooks.md has it
    """
    yield from step(run, point)


@operation()
def on_controller(run: Run) -> Generator[PyinfraCommand, None, None]:
    """
    Run here what comes before a build.

    + run: what this run does on this host
    """
    yield Here(run)


class Here(PyinfraCommand):
    """Runs what comes before a build, once; where it fails, it has failed for each host, none of which has begun."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def execute(self, state: State, host: Host, connector_arguments: ConnectorArguments) -> bool:
        """Run it, or wait for who does."""

        def work(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
            loud = state.print_noop_info
            problem = controller.run_hooks(BEFORE, [self._run], {}, lambda: Interrupts.asked, loud)
            for one in hosts if problem else ():
                heard_from(one.name).append(_refused(problem))
            return {one.name: not problem for one in hosts}

        return for_all_hosts(f"{BEFORE} here", work, among=reached)


def _refused(problem: str) -> Result:
    """How a run has ended that none of the hosts has begun."""
    reason = f"{BEFORE} failed {controller.ON_CONTROLLER}: {problem}"
    return Result(
        False,
        Outcome.REFUSED,
        f"refused at {BEFORE}: no host was touched",
        tuple(reason.split("\n")),
        state="no host was touched",
        failed=BEFORE,
        interrupted=Interrupts.asked,
        database_back=True,
    )
