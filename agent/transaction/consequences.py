"""What follows from a journal for the way back: of the database, of visitors, of processes. Pure."""

from __future__ import annotations

from agent.transaction.maintenance import breaks_old_code, changes_database
from agent.transaction.progress import Progress
from agent.words.notes import Checked, MaintenanceStarted, Paused, Restarted

# What takes the database back, and what sees that another host has, by their names among the undos.
OF_DATABASE = ("database", "schema")


def may_have_changed_database(progress: Progress) -> bool:
    """Whether this deploy may have changed the database from this host."""
    begin = progress.begin
    keeps = begin.kind == "revert" and begin.database == "keep"
    return "migrate" in progress.started and not progress.skipped("migrate") and not keeps and begin.primary


def asks_database(progress: Progress) -> bool:
    """Whether visitors are let in on this host only once the database is seen to be back, which another takes back.

    Always where it goes back by a restore, which takes away what they write meanwhile; else where the old version can't
    live with the new schema.
    """
    checked = progress.note(Checked)
    if not _follows(progress) or checked.applied is None or progress.begin.was is None:
        return False
    if progress.begin.kind == "revert":
        return True
    way = database_fallback_of(progress)
    return way == "restore" or (way != "keep" and bool(breaks_old_code(checked.pending)))


def maintenance_is_ours(progress: Progress) -> bool:
    """Whether this deploy may have left maintenance on: it started it, and has not ended it."""
    started = "maintenance_start" in progress.started and not progress.skipped("maintenance_start")
    return started and "maintenance_stop" not in progress.done


def database_fallback_of(progress: Progress) -> str:
    """How the database goes back: reverse, restore, keep; what `checks` decided before the window.

    Once visitors may be in again, the backup is older than what they have written: then it is not restored any more.
    """
    checked = progress.note(Checked)
    decided = checked.fallback or progress.begin.settings.database_fallback
    if decided != "restore" or not visitors_are_in(progress):
        return decided
    return "reverse" if all(one.reversible for one in checked.pending) else "keep"


def database_stays(progress: Progress) -> bool:
    """Whether a database that this deploy may have changed is not taken back."""
    return database_fallback_of(progress) == "keep" and (may_have_changed_database(progress) or _follows(progress))


def visitors_are_in(progress: Progress) -> bool:
    """Whether visitors may have been let in after the database was changed."""
    start = progress.note(MaintenanceStarted)
    return "maintenance_stop" in progress.started or bool(start.skipped) or start.unseen


def restores(progress: Progress) -> bool:
    """Whether this run's own backup is the way back of the database that it changes, while visitors are kept out."""
    begin = progress.begin
    if begin.kind == "revert":
        return changes_database(progress) and bool(begin.settings.restore_script)
    decided = progress.note(Checked).fallback or begin.settings.database_fallback
    return changes_database(progress) and decided == "restore"


def watched_shut(progress: Progress) -> bool:
    """Whether the new version is watched while visitors are kept out: once they are in, no backup is restored."""
    start = progress.note(MaintenanceStarted)
    shut = "maintenance_start" in progress.done and not start.skipped and not start.unseen
    return shut and restores(progress)


def rolls_back(progress: Progress) -> bool:
    """Whether the processes go back one by one, as they came: those that were not replaced yet serve meanwhile."""
    return progress.begin.kind != "restart" and progress.note(Restarted).mode == "rolling"


def processes_go_first(progress: Progress) -> bool:
    """Whether the processes go back before the database does: visitors are in, and the old code can live with what was
    migrated, while the new code can't without."""
    return (
        progress.begin.kind == "deploy"
        and visitors_are_in(progress)
        and rolls_back(progress)
        and database_fallback_of(progress) == "reverse"
        and not breaks_old_code(progress.note(Checked).pending)
    )


def waits_for_primary(progress: Progress) -> bool:
    """Whether the old version can only be proven healthy once another host has taken the database back.

    The primary host migrates for all, and falls back when it is its turn; until then an old version may meet a schema
    that it does not know.
    """
    return _follows(progress) and not progress.database_is_back


def _follows(progress: Progress) -> bool:
    """Whether another host may have changed the database for this one."""
    begin = progress.begin
    elsewhere = len(begin.hosts) > 1 and not begin.primary
    migrates = bool(progress.note(Checked).pending) or begin.database != "keep"
    return elsewhere and migrates and "migrate" in progress.started


def pauses(progress: Progress) -> bool:
    """Whether this run keeps from the database, while visitors are kept out, whatever else of the app writes to it."""
    return "pause" in progress.started and not progress.skipped("maintenance_start") and changes_database(progress)


def stays_paused(progress: Progress) -> bool:
    """Whether on the way back that is not to write yet: the database is still to be taken back, or could not be."""
    failed = any(one.action in OF_DATABASE for one in progress.problems)
    return progress.falling_back and pauses(progress) and (failed or waits_for_primary(progress))


def still_stopped(progress: Progress) -> tuple[str, ...]:
    """What this run has stopped, and has not started again on its way back."""
    paused = progress.note(Paused)
    programs = () if "resume" in progress.undone else paused.programs
    timers = () if "schedule" in progress.undone else paused.timers
    return (*programs, *(f"the timer of {name}" for name in timers))


def failed_step(progress: Progress) -> str:
    """The step to name as the one at which it ended."""
    return progress.failed or progress.step
