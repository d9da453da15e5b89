"""The end of a deploy: written down in its journal and in the history, and the host freed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from agent.host.files import append_line, put, sync_folder
from agent.host.output import emit, warn
from agent.text.tracebacks import telling_line
from agent.transaction import bounds, reserve
from agent.transaction.consequences import failed_step
from agent.transaction.cost import measured_or_nothing
from agent.transaction.lock import free_lock
from agent.transaction.progress import Progress
from agent.transaction.transaction import Transaction
from agent.words.history import PastRun
from agent.words.journal import Ended
from agent.words.outcomes import Cause, Outcome


def nothing(progress: Progress) -> str:
    """What is left of a run of which nothing is."""
    return ""


def end(transaction: Transaction, ended: Ended, due: Callable[[Progress], str] = nothing) -> None:
    """Write how it ended, here and in the history; then free the host, unless a person is needed first.

    + due: says what of the run is to be done before the host is free; where there is any, the runner does the rest
    """
    transaction.journal.append(ended)
    if ended.outcome == Outcome.NEEDS_A_PERSON or not due(transaction.progress):
        finish_end(transaction)


def as_past(deploy: str, progress: Progress) -> PastRun:
    """A run as the history has it; how it is so far, where it has not ended. Pure. Raises JournalUnreadable."""
    begin, ended, backup = progress.begin, progress.ended, progress.backup
    goes_on = Outcome.FALLING_BACK if progress.falling_back else Outcome.UNKNOWN
    return PastRun(
        deploy=deploy,
        kind=begin.kind,
        by=begin.by,
        login=begin.login,
        began=progress.lines[0].at,
        ended=next(line.at for line in reversed(progress.lines) if not ended or line.says is ended),
        version=begin.version or None,
        was=begin.was,
        code=begin.code,
        config=begin.config,
        outcome=ended.outcome if ended else goes_on,
        step=failed_step(progress),
        reason=(progress.reason or "").split("\n")[0] or None,
        why=telling_line(progress.reason or ""),
        backup=backup.path if backup else None,
        stopped=progress.cause == Cause.PERSON,
        sentence=ended.sentence if ended else "",
        cost=measured_or_nothing(progress),
    )


def finish_end(transaction: Transaction) -> None:
    """Do all that follows from the line that says how it ended; whatever is done already is left as it is."""
    progress = transaction.progress
    begin, ended = progress.begin, progress.ended
    if ended is None:
        raise ValueError(f"{transaction.deploy} has not ended")
    run = as_past(transaction.deploy, progress)
    reserve.give_back_for_links(transaction.layout)
    transaction.free_room()
    transaction.journal.free_room()
    try:
        # One deploy may have several lines, if it needed a person.
        written = ((one.deploy, one.ended) for one in bounds.past_runs(transaction.state))
        if (run.deploy, run.ended) not in written:
            append_line(transaction.state.history, asdict(run))
    except OSError as error:
        # The lock is freed all the same: a full disk must not keep the next deploy from being tried.
        emit(f"the history can't be written: {error}")
    if ended.outcome != Outcome.NEEDS_A_PERSON:
        if begin.settings.notify:
            _leave_to_tell(transaction)
        # Before the host is free: whoever has it next reads and writes the same.
        named = [path for path in (run.backup, begin.backup) if path]
        bounds.keep_within(transaction.state, transaction.layout, begin.settings, transaction.deploy, named)
        free_lock(transaction.state, transaction.deploy)


def _leave_to_tell(transaction: Transaction) -> None:
    """Have it known, once the host is free, that somebody has yet to be told: also by the next runner."""
    folder = transaction.state.untold
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        put(folder / transaction.deploy, b"")
        sync_folder(folder)
    except OSError as error:
        # Nobody waits for that.
        warn(f"WARNING: nobody may be told how this has ended: {error}")
