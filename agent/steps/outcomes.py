"""The words of an outcome: what a fallback has done, and what the site is like now. Pure: each sentence is derived from
what the journal says was seen, so that none can contradict another."""

from __future__ import annotations

from collections.abc import Sequence

from agent.migrations.names import key_of, labels
from agent.steps.fallback import only_health_is_missing, plan_fallback, undo_named
from agent.steps.kind import Note, Turn
from agent.text.lines import first_line
from agent.transaction.consequences import database_stays, failed_step, maintenance_is_ours
from agent.transaction.journal import Record
from agent.transaction.maintenance import (
    AS_LEFT,
    IS_OFF,
    IS_ON,
    MAY_BE_ON,
    NEVER_ON,
    NOT_SEEN,
    SHUT_NOBODY_OUT,
    STAYS_ON,
    STILL_ON,
)
from agent.transaction.progress import Progress, read_progress
from agent.words.outcomes import Outcome


def fallback_sentence(records: Sequence[Record], outcome: Outcome, live: str | None, folder: str, restore: str) -> str:
    """The line that says how a deploy ended that did not commit, and what the site is like now.

    + records: the journal, all but that line
    + live: the version that the links lead to
    + folder: where the evidence is; restore: how a person restores the backup, if there is one
    """
    progress = read_progress(records)
    where = f"{outcome} at {failed_step(progress)}"
    if outcome == Outcome.REFUSED:
        text = f"{where}: the live site was never touched ({live or 'no version'} is live)"
        return f"{text}{_down_before(progress)}; evidence: {folder}"
    found = _last_seen(records)
    maintenance = _maintenance(progress, found)
    if outcome == Outcome.FELL_BACK:
        state = f"{live} is live and {_proven(found)}" if live else "no version is live, as before"
        text = f"{where}: {state}, {maintenance}{_as_before(found)}{_database_stays(progress, found)}"
        text += _discarded(progress, found) + _well_all_the_same(progress)
        return f"{text}; evidence: {folder}"
    problems = "; ".join(first_line("{action}: {problem}".format(**one)) for one in progress.problems)
    text = f"{where}: {live or 'no version'} is live, {maintenance}; what could not be undone: {problems}"
    text += _not_tried(records, progress) + _database_stays(progress, found)
    backup = progress.backup.get("path")
    if backup:
        text += f"; the database's backup: {backup}"
        # While the links could not go back the new version is live, and needs its schema.
        if any(one["action"] == "database" for one in progress.problems):
            text += f"; to restore it: {restore}"
    looks = "; it is freed by itself once it is healthy" if only_health_is_missing(progress) else ""
    return f"{text}{_down_before(progress)}; evidence: {folder}{looks}; next: deploys/recover.py"


def _last_seen(records: Sequence[Record]) -> dict[str, Note]:
    """The note of each action that was done and has not failed since."""
    found: dict[str, Note] = {}
    for record in records:
        if record.get("event") == "undo done":
            found[record["action"]] = record.get("note") or {}
        elif record.get("event") == "undo failed":
            found.pop(record["action"], None)
    return found


def _maintenance(progress: Progress, found: dict[str, Note]) -> str:
    """Whether maintenance is on, as far as anybody has seen."""
    start = progress.notes.get("maintenance_start", {})
    problems = {one["action"]: one["problem"] for one in progress.problems}
    if "maintenance_start" not in progress.started or start.get("skipped"):
        return IS_OFF if found.get("site", {}).get("open") else NEVER_ON
    stopped = found.get("maintenance") or progress.notes.get("maintenance_stop", {})
    stays = maintenance_is_ours(progress) and any(undo_named(one).keeps_visitors_out for one in problems)
    shut = progress.notes.get("visitors", {}).get("shut") if problems else None
    seen = [
        (STAYS_ON if stays else IS_ON, shut),
        (IS_OFF, shut is False),
        (IS_ON, any(STILL_ON in problem for problem in problems.values())),
        (IS_OFF, found.get("site", {}).get("open") or stopped.get("open")),
        (SHUT_NOBODY_OUT, start.get("unseen")),
        (MAY_BE_ON, "maintenance" in problems),
        (NOT_SEEN, "maintenance_stop" in progress.started),
        (AS_LEFT, stays),
        (NOT_SEEN, True),
    ]
    return next(words for words, holds in seen if holds)


def _not_tried(records: Sequence[Record], progress: Progress) -> str:
    """What comes only once the links are back, where they are not."""
    if not any(one["action"] == "links" for one in progress.problems):
        return ""
    left = [undo.name for undo in plan_fallback(records) if Turn.LINKS < undo.turn < Turn.HEALTH]
    return f"; not tried before the links are back: {', '.join(left)}" if left else ""


def _proven(found: dict[str, Note]) -> str:
    note = found.get("health")
    if note is None:
        return "untouched"
    if note.get("unhealthy"):
        return f"UNHEALTHY {note['unhealthy']}"
    still = note.get("as_before")
    return "proven healthy" + (f" (as before the deploy, {'; '.join(still)})" if still else "")


def _as_before(found: dict[str, Note]) -> str:
    """What visitors get, where that is no better than it was before the deploy."""
    wrong = found.get("site", {}).get("as_before")
    return f"; visitors get no better than before the deploy began: {wrong}" if wrong else ""


def _down_before(progress: Progress) -> str:
    """What was not well before the deploy began, where that was seen."""
    begin = progress.begin
    was = begin.get("was")
    return f"; {was} was not healthy before it began" if was and begin.get("healthy_before") is False else ""


def _well_all_the_same(progress: Progress) -> str:
    """That a version is not to blame, where it is not."""
    if not progress.no_lock:
        return ""
    if progress.begin.get("kind") != "deploy":
        return "; no version is to blame"
    version = progress.begin.get("version")
    return f"; {version} is not to blame: deploys/deploy.py --data version={version} tries it again"


def _discarded(progress: Progress, found: dict[str, Note]) -> str:
    """Where the values are that reversing has not brought back."""
    gone = {tuple(key) for key in found.get("database", {}).get("unapplied", ())}
    pending = progress.notes.get("checks", {}).get("pending") or ()
    lost = labels(one for one in pending if one.get("loses") and key_of(one) in gone)
    backup = progress.backup.get("path")
    return f"; what {lost} had discarded is in the backup alone: {backup}" if lost and backup else ""


def _database_stays(progress: Progress, found: dict[str, Note]) -> str:
    """What is said of a database that is not taken back."""
    kept = [found[one]["kept"] for one in ("database", "schema") if found.get(one, {}).get("kept")]
    if kept:
        return f"; the database was kept as it is, {kept[0]}"
    if not database_stays(progress):
        return ""
    pending = labels(progress.notes.get("checks", {}).get("pending") or ())
    applied = "is applied" if "migrate" in progress.done and progress.begin.get("primary", True) else "may be applied"
    return f"; the database stays as it is now, and is not taken back: {pending or 'what was migrated'} {applied}"
