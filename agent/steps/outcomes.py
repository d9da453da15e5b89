"""The words of an outcome: what a fallback has done, and what the site is like now. Pure: each sentence is derived from
what the journal says was seen, so that none can contradict another."""

from __future__ import annotations

from agent.database.going_back import TakenBack
from agent.migrations.names import key_of, labels
from agent.steps.fallback import only_health_is_missing, plan_fallback, undo_named
from agent.steps.kind import Turn
from agent.steps.switch.health import HealthSeen
from agent.steps.switch.maintenance_start import LetIn
from agent.text.lines import first_line
from agent.transaction.consequences import database_stays, failed_step, maintenance_is_ours, still_stopped
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
from agent.transaction.progress import Progress
from agent.visitors.site import Opened, SiteSeen
from agent.words.journal import Ended
from agent.words.notes import Checked, Glance, MaintenanceStarted, Undone
from agent.words.outcomes import Cause, Outcome


def fallback_end(progress: Progress, outcome: Outcome, live: str | None, folder: str, restore: str) -> Ended:
    """How a deploy ended that did not commit, with the line that says so, and what the site is like now.

    + progress: by the journal, all but that line
    + live: the version that the links lead to
    + folder: where the evidence is; restore: how a person restores the backup, if there is one
    """
    where, evidence = _where(progress, outcome), f"; evidence: {folder}"
    if outcome == Outcome.REFUSED:
        before, lives = _down_before(progress), f"{live or 'no version'} is live"
        sentence = f"{where}: the live site was never touched ({lives}){before}{evidence}"
        return Ended(outcome, sentence, f"{lives}{before}")
    if outcome == Outcome.FELL_BACK:
        state = f"{live} is live and {_proven(progress)}" if live else "no version is live, as before"
        state += f", {_maintenance(progress)}{_as_before(progress)}{_database_stays(progress)}"
        state += _discarded(progress) + _well_all_the_same(progress)
        return Ended(outcome, f"{where}: {state}{evidence}", state, taken_back(progress))
    problems = "; ".join(first_line(f"{one.action}: {one.problem}") for one in progress.problems)
    state = f"{live or 'no version'} is live, {_maintenance(progress)}; what could not be undone: {problems}"
    state += _not_tried(progress) + _database_stays(progress) + _stopped(progress)
    # While the links could not go back the new version is live, and needs its schema.
    lost = progress.backup and any(one.action == "database" for one in progress.problems)
    backup = f"; the database's backup: {progress.backup.path}" if progress.backup else ""
    left = (f"; to restore it: {restore}" if lost else "") + _down_before(progress)
    looks = "; it is freed by itself once it is healthy" if only_health_is_missing(progress) else ""
    sentence = f"{where}: {state}{backup}{left}{evidence}{looks}; next: deploys/recover.py"
    told = f"{state}{left.replace('to restore it', 'to restore the backup')}{looks}"
    return Ended(outcome, sentence, told, taken_back(progress))


def taken_back(progress: Progress) -> tuple[str, ...]:
    """What of a run was taken back, by name; what an undo only looks at, or keeps, is none of it."""
    undos = [undo for undo in map(undo_named, dict.fromkeys(progress.undone)) if undo.takes_back]
    return tuple(undo.name for undo in undos if not progress.undid(undo.name, undo.shape).kept)


def _where(progress: Progress, outcome: Outcome) -> str:
    """At which step it ended; that a person has ended it comes first, and is no refusal."""
    step = failed_step(progress)
    if progress.cause != Cause.PERSON or outcome == Outcome.NEEDS_A_PERSON:
        return f"{outcome} at {step}"
    stopped = f"stopped by {progress.begin.by}"
    return f"{stopped} at {step}" if outcome == Outcome.REFUSED else f"{stopped}, {outcome} at {step}"


def _maintenance(progress: Progress) -> str:
    """Whether maintenance is on, as far as anybody has seen."""
    start, site = progress.note(MaintenanceStarted), progress.undid("site", SiteSeen)
    problems = {one.action: one.problem for one in progress.problems}
    if "maintenance_start" not in progress.started or start.skipped:
        return IS_OFF if site.open else NEVER_ON
    let_in = progress.undid("maintenance", LetIn).open or progress.note(Opened).open
    stays = maintenance_is_ours(progress) and any(undo_named(one).keeps_visitors_out for one in problems)
    shut = progress.note(Glance).shut if problems else None
    seen = [
        (STAYS_ON if stays else IS_ON, shut),
        (IS_OFF, shut is False),
        (IS_ON, any(STILL_ON in problem for problem in problems.values())),
        (IS_OFF, site.open or let_in),
        (SHUT_NOBODY_OUT, start.unseen),
        (MAY_BE_ON, "maintenance" in problems),
        (NOT_SEEN, "maintenance_stop" in progress.started),
        (AS_LEFT, stays),
        (NOT_SEEN, True),
    ]
    return next(words for words, holds in seen if holds)


def _not_tried(progress: Progress) -> str:
    """What comes only once the links are back, where they are not."""
    if not any(one.action == "links" for one in progress.problems):
        return ""
    left = [undo.name for undo in plan_fallback(progress) if Turn.LINKS < undo.turn < Turn.HEALTH]
    return f"; not tried before the links are back: {', '.join(left)}" if left else ""


def _stopped(progress: Progress) -> str:
    """What was stopped so as not to write, and is not started before the database is back."""
    found = still_stopped(progress)
    return f"; stopped, and not started again: {', '.join(found)}" if found else ""


def _proven(progress: Progress) -> str:
    if "health" not in progress.seen:
        return "untouched"
    seen = progress.undid("health", HealthSeen)
    if seen.unhealthy:
        return f"UNHEALTHY {seen.unhealthy}"
    return "proven healthy" + (f" (as before the deploy, {'; '.join(seen.as_before)})" if seen.as_before else "")


def _as_before(progress: Progress) -> str:
    """What visitors get, where that is no better than it was before the deploy."""
    wrong = progress.undid("site", SiteSeen).as_before
    return f"; visitors get no better than before the deploy began: {wrong}" if wrong else ""


def _down_before(progress: Progress) -> str:
    """What was not well before the deploy began, where that was seen."""
    begin = progress.begin
    return f"; {begin.was} was not healthy before it began" if begin.was and begin.healthy_before is False else ""


def _well_all_the_same(progress: Progress) -> str:
    """That a version is not to blame, where it is not."""
    if not progress.no_lock:
        return ""
    if progress.begin.kind != "deploy":
        return "; no version is to blame"
    version = progress.begin.version
    return f"; {version} is not to blame: deploys/deploy.py --data version={version} tries it again"


def _discarded(progress: Progress) -> str:
    """Where the values are that reversing has not brought back."""
    gone, backup = progress.undid("database", TakenBack).unapplied, progress.backup
    lost = labels(one for one in progress.note(Checked).pending if one.loses and key_of(one) in gone)
    return f"; what {lost} had discarded is in the backup alone: {backup.path}" if lost and backup else ""


def _database_stays(progress: Progress) -> str:
    """What is said of a database that is not taken back."""
    kept = progress.undid("database", Undone).kept or progress.undid("schema", Undone).kept
    if kept:
        return f"; the database was kept as it is, {kept}"
    if not database_stays(progress):
        return ""
    pending = labels(progress.note(Checked).pending)
    applied = "is applied" if "migrate" in progress.done and progress.begin.primary else "may be applied"
    return f"; the database stays as it is now, and is not taken back: {pending or 'what was migrated'} {applied}"
