"""What follows from a journal for the way back: of the database, of visitors, of processes. Pure."""

from __future__ import annotations

from agent.transaction.maintenance import breaks_old_code
from agent.transaction.progress import Progress


def changes_database(progress: Progress) -> bool:
    """Whether this deploy may have changed the database from this host."""
    begin = progress.begin
    keeps = begin.get("kind") == "revert" and begin.get("database", "keep") == "keep"
    migrates = "migrate" in progress.started and not progress.notes.get("migrate", {}).get("skipped")
    return migrates and not keeps and begin.get("primary", True)


def asks_database(progress: Progress) -> bool:
    """Whether visitors are let in on this host only once the database is seen to be back, which another takes back.

    Always where it goes back by a restore, which takes away what they write meanwhile; else where the old version can't
    live with the new schema.
    """
    checks = progress.notes.get("checks", {})
    if not _follows(progress) or "applied" not in checks or progress.begin.get("was") is None:
        return False
    if progress.begin.get("kind") == "revert":
        return True
    way = database_way(progress)
    return way == "restore" or (way != "keep" and bool(breaks_old_code(checks.get("pending") or [])))


def maintenance_is_ours(progress: Progress) -> bool:
    """Whether this deploy may have left maintenance on: it started it, and has not ended it."""
    started = "maintenance_start" in progress.started and not progress.notes.get("maintenance_start", {}).get("skipped")
    return started and "maintenance_stop" not in progress.done


def database_way(progress: Progress) -> str:
    """How the database goes back: reverse, restore, keep; what `checks` decided before the window.

    Once visitors may be in again, the backup is older than what they have written: then it is not restored any more.
    """
    checks = progress.notes.get("checks", {})
    decided = str(checks.get("fallback") or progress.begin.get("settings", {}).get("database_fallback", "keep"))
    if decided != "restore" or not visitors_are_in(progress):
        return decided
    return "reverse" if all(one.get("reversible") for one in checks.get("pending") or ()) else "keep"


def database_stays(progress: Progress) -> bool:
    """Whether a database that this deploy may have changed is not taken back."""
    return database_way(progress) == "keep" and (changes_database(progress) or _follows(progress))


def visitors_are_in(progress: Progress) -> bool:
    """Whether visitors may have been let in after the database was changed."""
    start = progress.notes.get("maintenance_start", {})
    never_out = bool(start.get("skipped") or start.get("unseen"))
    return "maintenance_stop" in progress.started or never_out


def rolls_back(progress: Progress) -> bool:
    """Whether the processes go back one by one, as they came: those that were not replaced yet serve meanwhile."""
    return progress.begin.get("kind") != "restart" and progress.notes.get("restart", {}).get("way") == "rolling"


def waits_for_primary(progress: Progress) -> bool:
    """Whether the old version can only be proven healthy once another host has taken the database back.

    The primary host migrates for all, and falls back when it is its turn; until then an old version may meet a schema
    that it does not know.
    """
    return _follows(progress) and not progress.settled


def _follows(progress: Progress) -> bool:
    """Whether another host may have changed the database for this one."""
    elsewhere = len(progress.begin.get("hosts") or []) > 1 and not progress.begin.get("primary", True)
    migrates = bool(progress.notes.get("checks", {}).get("pending")) or progress.begin.get("database", "keep") != "keep"
    return elsewhere and migrates and "migrate" in progress.started


def failed_step(progress: Progress) -> str:
    """The step to name as the one at which it ended."""
    return progress.failed or progress.step
