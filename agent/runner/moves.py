"""What each move of a run does: a worker is begun, or a line is written; and what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from agent.host.output import LINE, TOLD, WARNING
from agent.loop.worker import FAILED, Job, Worker
from agent.runner import jobs
from agent.runner.after import run_after
from agent.runner.course import Kind, Move, next_move
from agent.runner.resumed import was_rebooted
from agent.runner.run import COMMIT, GRACE, Run
from agent.runner.script import WAY_BACK
from agent.runs.carry_out import Carried, carried_idle
from agent.steps.fallback import plan_fallback, undo_named
from agent.steps.hooks import due_after
from agent.steps.kind import PATIENCE
from agent.steps.order import limit_of, visitors_may_notice
from agent.text.masking import masked_urls
from agent.transaction.lock import free_lock
from agent.transaction.transaction import Transaction, open_transaction
from agent.words import journal
from agent.words.journal import JournalUnreadable
from agent.words.outcomes import Cause, Outcome
from agent.words.shapes import Unreadable, read

# How often it is looked whether the primary host has taken the database back, whether a site that nobody could get well
# has become so, and whether what could not be written can be by now, seconds.
LOOK, LOOK_ON, AGAIN = 1.0, 4.0, 2.0
# How long a host that goes down may take until it is not believed to any more, seconds.
GOES_DOWN = 90.0
# What Django calls a database that can't be reached; and how often it is tried again after a boot, seconds.
NOT_UP, BOOT_LOOK = "OperationalError", 10.0
# Between two of its calls a controller is not there, seconds.
MOMENT = 10.0
# How long the app may have to wait for what is undone before it starts, seconds.
READY_WITHIN = 60.0
# When nothing is due, seconds.
LATER = 60.0
PARTED = "the other hosts may have committed: deploys/status.py compares them"
ON_THE_WAY_BACK = (Kind.FALL_BACK, Kind.UNDO, Kind.SKIP, Kind.GIVE_UP)


def go_on(run: Run) -> float | None:
    """Do what is due. Returns how long nothing else is, seconds; None where the runner has nothing left to do."""
    try:
        if run.heard.before_the_app and time.monotonic() - run.since > READY_WITHIN and _links_are_back(run):
            # The app waits for its links, and not for a database that takes its time.
            run.ready()
        run.heard = replace(run.heard, followed=time.monotonic() - run.seen < MOMENT)
        while _is_free(run) and _make(run, next_move(run.progress, run.heard)):
            continue
    except JournalUnreadable as problem:
        run.is_unreadable(problem)
    if run.cleans and run.transaction is None and not run.is_busy:
        run.clean(run.cleans)
    now = time.monotonic()
    if run.transaction is None and not run.is_busy:
        return run.lingers_until - now if now < run.lingers_until else None
    due = [at - now for at in (run.not_before, run.word_by) if at is not None and at > now]
    return min(due, default=LATER)


def _links_are_back(run: Run) -> bool:
    return not any(undo.holds_up_the_rest for undo in plan_fallback(run.progress))


def _is_free(run: Run) -> bool:
    at_rest = run.needs_a_person or time.monotonic() < run.not_before
    return run.transaction is not None and not at_rest and run.crew.is_free


def _make(run: Run, move: Move) -> bool:
    """Make a move. Returns whether the next one can be made at once."""
    if run.heard.before_the_app and move.kind not in ON_THE_WAY_BACK:
        stuck = any(undo_named(one.action).holds_up_the_rest for one in run.progress.problems)
        if stuck and was_rebooted(run.progress):
            # The app starts from the new version, whose schema stays with it until the links are back.
            run.opened.journal.note(journal.Noted("boot", {"links": "stayed"}))
        # What could not be undone without the app, such as a database that was not up yet, is tried once more.
        run.heard = replace(run.heard, before_the_app=False)
        run.try_again()
        run.ready()
        return True
    if move.kind is not Kind.WAIT:
        run.word_by = None
    return MOVES[move.kind](run, move.name)


def _step(run: Run, name: str) -> bool:
    run.label = name
    try:
        run.opened.journal.append(journal.StepStarted(name))
    except OSError as problem:
        _step_failed(run, name, masked_urls(str(problem)))
        return True
    progress = run.progress
    if visitors_may_notice(progress, name):
        run.crew.watch_visitors(run.opened)
    idle = carried_idle(progress, name)
    if idle:
        _step_ended(run, name, idle)
        return True
    limit = limit_of(name, progress.begin.settings) + GRACE
    job = jobs.step(run.opened, name, run.urls.get(name, ""))
    run.crew.work(f"step {name}", job, limit, lambda worker: _step_ended(run, name, jobs.carried(worker, name)))
    return False


def _step_ended(run: Run, name: str, carried: Carried) -> None:
    asked, run.asked_back = run.asked_back, None
    if not carried.failed:
        try:
            run.opened.journal.append(journal.StepDone(name, carried.seconds, carried.note))
        except OSError as problem:
            carried = Carried(0.0, {}, failed=masked_urls(str(problem)))
    if not carried.failed:
        for line in carried.says:
            run.say(TOLD if carried.decided else LINE, line)
        if carried.warning:
            run.say(WARNING, f"{name}: WARNING: {carried.warning}")
        if asked:
            run.fall_back(asked.reason, asked.cause, asked.database_is_back)
    elif asked:
        reason = f"interrupted by a person during {name}" if asked.cause == Cause.PERSON else asked.reason
        run.opened.journal.note(journal.StepInterrupted(name, reason))
        run.fall_back(reason, asked.cause, asked.database_is_back)
    elif carried.host_goes_down:
        run.say(LINE, f"the host goes down during {name}: it falls back when it boots")
        run.not_before = time.monotonic() + GOES_DOWN
        run.heard = replace(run.heard, resumed=f"{name} failed, as the host went down")
    else:
        _step_failed(run, name, carried.failed, carried.no_lock)


def _step_failed(run: Run, name: str, reason: str, no_lock: bool = False) -> None:
    run.opened.journal.note(journal.StepFailed(name, reason, no_lock))
    run.fall_back(f"{name} failed: {reason}")


def _wait(run: Run, name: str) -> bool:
    """Wait for the controller's word, and no longer than it may be silent."""
    now = time.monotonic()
    if run.word_by is None:
        run.word_by = now + run.progress.begin.settings.confirm_timeout
    if now < run.word_by:
        return False
    if run.progress.all_well:
        run.decide(unasked=True)
    else:
        # Where it was only the commit that it waited for, others may have heard of it.
        others = [] if name != COMMIT or len(run.progress.begin.hosts) < 2 else [PARTED]
        run.fall_back("; ".join([f"no word from the controller since {run.progress.step}", *others]))
    return True


def _falls_back(run: Run, reason: str) -> bool:
    run.fall_back(reason)
    return True


def _undo(run: Run, name: str) -> bool:
    run.label = WAY_BACK
    run.opened.journal.note(journal.UndoStarted(name))
    settings = run.progress.begin.settings
    limit = undo_named(name).limit(settings) + PATIENCE * (settings.health_timeout + settings.health_stable) + GRACE
    run.crew.work(f"undo {name}", jobs.undo(run.opened, name), limit, partial(_undo_ended, run, name))
    return False


def _undo_ended(run: Run, name: str, worker: Worker) -> None:
    if not run.heard.before_the_app and _waits_for_database(run, worker):
        run.not_before = time.monotonic() + BOOT_LOOK
    else:
        _tried(run, name)
    answer = worker.found
    try:
        if "done" in answer:
            run.opened.journal.note(read(journal.UndoDone, answer["done"], name))
            return
        failed = read(journal.UndoFailed, answer.get("problem", {}), name)
    except Unreadable:
        failed = journal.UndoFailed(name, str(answer.get(FAILED, "it has answered nothing")))
        run.say(LINE, f"  {undo_named(name).failed(failed.problem)}")
    run.opened.journal.note(failed)


def _waits_for_database(run: Run, worker: Worker) -> bool:
    """Whether an undo has failed because the database of a host that was rebooted is not up yet."""
    waited = time.monotonic() - run.since
    is_up = NOT_UP not in str(worker.found.get("problem", ""))
    return not is_up and was_rebooted(run.progress) and waited < run.progress.begin.settings.boot_database_wait


def _tried(run: Run, name: str) -> None:
    run.heard = replace(run.heard, tried=run.heard.tried | {name})


def _skip(run: Run, name: str) -> bool:
    _tried(run, name)
    run.say(LINE, f"  not undone: {name}, since what is live now is not to be seen")
    return True


def _give_up(run: Run, name: str) -> bool:
    _tried(run, name)
    problem = "the runner has ended again and again while this was done"
    run.opened.journal.note(journal.UndoFailed(name, problem, given_up=True))
    run.say(LINE, f"  {undo_named(name).failed(problem)}")
    return True


def _finishing(run: Run, job: Callable[[Transaction], Job], name: str) -> bool:
    """Have done what ends a run; where it can't be, it is tried again."""
    if run.crew.stop_watching():
        return False
    run.crew.end_kept()
    run.crew.work(name, job(run.opened), run.progress.begin.settings.script_timeout + GRACE, partial(_may_be_over, run))
    return False


def _may_be_over(run: Run, worker: Worker) -> None:
    run.say_why_not(worker)
    transaction, progress = run.opened, run.progress
    if progress.outcome == Outcome.NEEDS_A_PERSON and run.frees:
        free_lock(run.state, transaction.deploy)
        run.say(WARNING, "freed all the same, as you asked: the next deploy will be tried")
    run.frees = False
    run.cannot_end = progress.outcome is None
    if run.cannot_end:
        # What could not be undone on a host that can't be written to may be by then.
        run.try_again()
    if open_transaction(run.state) is None:
        run.close(progress)
    elif not due_after(progress):
        run.not_before = time.monotonic() + (LOOK_ON if progress.outcome else AGAIN)


def _free(run: Run, _: str) -> bool:
    free_lock(run.state, run.opened.deploy)
    run.close(run.opened.progress)
    return False


def _look_at_database(run: Run, _: str) -> bool:
    limit = run.progress.begin.settings.migrate_timeout + GRACE
    run.crew.work("look", jobs.look_at_database(run.opened), limit, partial(_database_seen, run))
    return False


def _database_seen(run: Run, worker: Worker) -> None:
    if worker.found.get("changed") is False:
        run.database_is_back()
    else:
        run.not_before = time.monotonic() + LOOK


def _rest(run: Run, _: str) -> bool:
    run.not_before = time.monotonic() + LOOK_ON
    return False


MOVES: dict[Kind, Callable[[Run, str], bool]] = {
    Kind.STEP: _step,
    Kind.WAIT: _wait,
    Kind.FALL_BACK: _falls_back,
    Kind.UNDO: _undo,
    Kind.SKIP: _skip,
    Kind.GIVE_UP: _give_up,
    Kind.END_FALLBACK: lambda run, _: _finishing(run, jobs.end_fallback, "end"),
    Kind.COMMIT: lambda run, _: _finishing(run, jobs.commit, "commit"),
    Kind.AFTER: run_after,
    Kind.FINISH_END: lambda run, _: _finishing(run, jobs.finish, "end"),
    Kind.LOOK_ON: lambda run, _: _finishing(run, jobs.look_on, "look"),
    Kind.FREE: _free,
    Kind.LOOK_AT_DATABASE: _look_at_database,
    Kind.REST: _rest,
}
