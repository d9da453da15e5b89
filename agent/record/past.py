"""The runs of a site, as they have ended; and the one that goes on."""

from __future__ import annotations

import time
from dataclasses import replace

from agent.environment.variables import conceal
from agent.state import State
from agent.text.lines import bounded
from agent.transaction.bounds import past_runs
from agent.transaction.transaction import describe_holder, open_transaction
from agent.words.facts import OpenRun, Past
from agent.words.history import PastRun
from agent.words.requests import History


def past(state: State, request: History) -> Past:
    """The last runs, and the open one."""
    conceal(state)
    runs = past_runs(state)
    last = tuple(bounded_run(run) for run in runs[-request.runs :])
    return Past(last, kept=len(runs), open=open_run(state), now=time.time())


def bounded_run(run: PastRun) -> PastRun:
    """A run of which no text is longer than anybody reads."""
    return replace(run, sentence=bounded(run.sentence), reason=run.reason and bounded(run.reason), why=bounded(run.why))


def open_run(state: State) -> OpenRun | None:
    """The run that holds the site, if any. Raises JournalUnreadable."""
    open_one = open_transaction(state)
    if open_one is None:
        return None
    progress = open_one.progress
    return OpenRun(
        deploy=open_one.deploy,
        kind=progress.begun.kind if progress.begun else "",
        says=describe_holder(state, open_one.deploy),
        outcome=progress.outcome,
        step=progress.step,
    )
