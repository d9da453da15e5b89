"""What falls back on the host when the controller is gone, or when the host was rebooted in the middle of a deploy."""

from __future__ import annotations

import time

from agent.database import schema
from agent.runs.ending import end_if_well, fall_back, finish_fallback, prepare_fallback
from agent.runs.finish import finish_commit
from agent.service import health
from agent.state import State
from agent.steps.fallback import only_health_is_missing
from agent.transaction.consequences import waits_for_primary
from agent.transaction.end import finish_end
from agent.transaction.lock import free_lock
from agent.transaction.progress import Progress
from agent.transaction.transaction import Transaction, open_transaction, start_guard
from agent.words.outcomes import Outcome

# How often the guard looks whether the deploy has ended meanwhile, seconds.
LOOK = 1.0
# And how often whether a site that nobody could get well has become so.
LOOK_ON = 4.0


def watch(state: State) -> None:
    """Wait until the open deploy ends or has to be ended; then end it."""
    transaction = None
    while True:
        opened = open_transaction(state)
        if opened is None:
            return
        if transaction is None or transaction.deploy != opened.deploy:
            transaction = opened
        progress = transaction.progress
        if progress.outcome != Outcome.NEEDS_A_PERSON:
            if _is_left_alone(transaction):
                take_over(transaction)
        elif only_health_is_missing(progress):
            # All else is left to that person; going away would only have us started again.
            look_on(transaction)
            time.sleep(LOOK_ON)
        time.sleep(LOOK)


def look_on(transaction: Transaction) -> None:
    """Free a host that needs a person for nothing but a site that is not well, once it is."""
    begin = transaction.begin
    was = begin.was
    if was is None or health.app_problem(transaction.layout, was, known=begin.ailing) is not None:
        return
    with transaction.alone():
        # A person may have begun to put it right meanwhile.
        progress = transaction.progress
        if progress.outcome == Outcome.NEEDS_A_PERSON and only_health_is_missing(progress):
            end_if_well(transaction)


def _is_left_alone(transaction: Transaction) -> bool:
    """Whether nobody goes on with it: its deadline has passed, or its process was killed in a step or while ending."""
    idle = transaction.nobody_works_on_it()
    # Read after that: what a process wrote before it let go is seen.
    progress = transaction.progress
    return time.time() >= progress.deadline or (idle and _was_cut_off(progress))


def _was_cut_off(progress: Progress) -> bool:
    return progress.committed or progress.falling_back or progress.in_step or progress.outcome is not None


def take_over(transaction: Transaction) -> None:
    """End a deploy in the place of whoever should have gone on, unless it has moved on or ended meanwhile."""
    # A process that still works on it is waited for: each step ends at its own limit.
    with transaction.alone():
        progress = transaction.progress
        late = time.time() >= progress.deadline
        if not progress.begun:
            # No step ever ran without a first line, so there is nothing to undo; the lock must not outlive that.
            free_lock(transaction.state, transaction.deploy)
            return
        if progress.outcome == Outcome.NEEDS_A_PERSON or not (late or _was_cut_off(progress)):
            return
        if progress.outcome:
            # Whoever ended it was killed before the host was free, or is done by now.
            finish_end(transaction)
            return
        if progress.committed:
            finish_commit(transaction)
        elif progress.falling_back:
            if not _still_waits(transaction, progress):
                finish_fallback(transaction)
        elif late:
            fall_back(transaction, f"no word from the controller since {progress.step}")
        else:
            fall_back(transaction, f"the agent was killed during {progress.step}")


def _still_waits(transaction: Transaction, progress: Progress) -> bool:
    """Whether the primary host has yet to take the database back: the old version does not work before."""
    if progress.begin.was is None or not waits_for_primary(progress):
        return False
    return schema.still_changed(transaction, progress)


def after_boot(state: State) -> None:
    """Make the host ready to start the app, when it went down in the middle of a deploy; the guard does the rest."""
    transaction = open_transaction(state)
    if transaction is None:
        return
    with transaction.alone():
        progress = transaction.progress
        if progress.outcome == Outcome.NEEDS_A_PERSON or not progress.begun:
            return
        if not progress.committed and not progress.outcome:
            # What it was falling back for is worth more than what interrupted it.
            after = f"{progress.reason}; then the host was rebooted"
            why = after if progress.falling_back else f"the host was rebooted {progress.whereabouts}"
            prepare_fallback(transaction, why)
    start_guard(state)
