"""What a fallback has to do: a pure function of the journal, the same for every way in which a deploy can fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.transaction.journal import Record
from agent.transaction.maintenance import breaks_old_code
from agent.transaction.progress import BLAMES_VERSION, Progress, read_progress


@dataclass(frozen=True)
class Action:
    """One thing to undo."""

    name: str
    # What becomes of maintenance if this one can't be done: a new version that could not be taken back, or a schema
    # that may be half applied, is shown to nobody.
    keeps_maintenance: bool = False


STOP_COMMANDS = Action("stop commands")
LINKS = Action("links", keeps_maintenance=True)
DATABASE = Action("database", keeps_maintenance=True)
SCHEMA = Action("schema", keeps_maintenance=True)
RESTART = Action("restart")
STOP_SERVICE = Action("stop service")
HEALTH = Action("health")
MAINTENANCE = Action("maintenance")
SITE = Action("site")
EVIDENCE = Action("evidence")
MARK = Action("mark")
FINISH_COMMIT = Action("finish commit")

# Doing these again costs little and proves something, or ends what a person has put right since; all others are done
# once.
ALWAYS = (STOP_COMMANDS, HEALTH, MAINTENANCE, SITE)


def plan_fallback(records: Sequence[Record]) -> list[Action]:
    """Plan what is left to undo, in order; an empty list when the transaction has ended.

    + records: the journal's lines, oldest first

        >>> plan_fallback([{"event": "begin", "kind": "deploy"}, {"event": "step started", "step": "code"}])
        [Action(name='stop commands', ...), Action(name='evidence', ...), Action(name='mark', ...)]
    """
    progress = read_progress(records)
    if not progress.begin or progress.outcome in ("committed", "refused", "fell back"):
        return []
    if progress.committed:
        return [FINISH_COMMIT]
    return [action for action in _everything(progress) if action in ALWAYS or action.name not in progress.undone]


def _everything(progress: Progress) -> list[Action]:
    started = progress.started
    bare = progress.begin.get("bare", False)
    actions = [STOP_COMMANDS]
    # What ran is kept before it is replaced: the unit's journal still has the failed version's last words.
    actions.append(EVIDENCE)
    if "swap" in started:
        actions.append(LINKS)
    if changes_database(progress) and database_way(progress) != "keep":
        actions.append(DATABASE)
    elif asks_database(progress):
        actions.append(SCHEMA)
    if "restart" in started:
        actions.append(STOP_SERVICE if bare else RESTART)
    if progress.touched and not bare:
        actions.append(HEALTH)
    if maintenance_is_ours(progress):
        actions.append(MAINTENANCE)
    # An older agent did not look at the site before it began.
    if progress.touched and "site_before" in progress.begin:
        actions.append(SITE)
    if marks_failed(progress):
        actions.append(MARK)
    return actions


def changes_database(progress: Progress) -> bool:
    """Whether this deploy may have changed the database from this host."""
    migrates = "migrate" in progress.started and not progress.notes.get("migrate", {}).get("skipped")
    return migrates and progress.begin.get("primary", True)


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


def marks_failed(progress: Progress) -> bool:
    """Whether the version is to be marked failed.

    A new one always is. One that has worked before is only when the failure is its own, not when a script, the link
    to the controller or another host failed. What a revert goes to never is: it meets another version's schema. The
    version that is left is, when its migrations could not be reversed.
    """
    if progress.begin.get("kind") == "revert":
        return progress.failed == "migrate" and progress.begin.get("database") == "reverse"
    if progress.begin.get("kind") in ("restart", "clean") or not progress.started:
        return False
    return not progress.begin.get("has_worked") or progress.failed in BLAMES_VERSION


def outcome_of(progress: Progress) -> str:
    """How the transaction ends once every action was tried."""
    if progress.problems:
        return "needs a person"
    return "fell back" if progress.touched else "refused"


def only_health_is_missing(progress: Progress) -> bool:
    """Whether all is back but the proof that the old version is well: that may come without a person."""
    return bool(progress.problems) and all(problem["action"] == HEALTH.name for problem in progress.problems)


def failed_step(progress: Progress) -> str | None:
    """The step to name as the one at which it ended."""
    return progress.failed or progress.step
