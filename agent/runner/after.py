"""What runs once a run has ended: the project's own, whose failure is a warning, and changes nothing."""

from __future__ import annotations

from functools import partial

from agent.host.output import LINE, WARNING
from agent.loop.worker import Worker
from agent.runner import jobs
from agent.runner.run import COMMIT, GRACE, Run
from agent.runner.script import WAY_BACK
from agent.steps.hooks import AFTER_COMMIT
from agent.steps.order import limit_of
from agent.words import journal


def run_after(run: Run, point: str) -> bool:
    """Begin it. Whoever waits for the end of the run hears of this, too."""
    run.label = COMMIT if point == AFTER_COMMIT.name else WAY_BACK
    run.opened.journal.note(journal.HookStarted(point))
    settings = run.progress.begin.settings
    # A runner that finds a run which has ended has bounded nobody yet.
    run.crew.bound(settings)
    limit = limit_of(point, settings) + GRACE
    run.crew.work(f"step {point}", jobs.step(run.opened, point, ""), limit, partial(_is_over, run, point))
    return False


def _is_over(run: Run, point: str, worker: Worker) -> None:
    carried = jobs.carried(worker, point)
    run.opened.journal.note(journal.HookEnded(point, carried.seconds, carried.failed))
    if carried.failed:
        run.say(WARNING, f"{point}: WARNING: it failed, which changes nothing of how this has ended: {carried.failed}")
    for line in carried.says:
        run.say(LINE, line)
