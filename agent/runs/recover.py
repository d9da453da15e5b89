"""Getting a host out of an outcome that needs a person: the story of what happened, and another try at the way back."""

from __future__ import annotations

import time

from agent.host.command import CommandFailed
from agent.host.output import emit
from agent.runs.ending import restore_command
from agent.service import health, systemd
from agent.steps.fallback import plan_fallback, undo_named
from agent.transaction.consequences import database_fallback_of
from agent.transaction.progress import Progress
from agent.transaction.transaction import Transaction
from agent.versions.marks import linked_version
from agent.words import journal
from agent.words.shapes import read


def prepare(transaction: Transaction, database: str) -> None:
    """Tell what happened, and get ready for another try at the way back. Raises OSError.

    + database: `keep` when a person has put the database right, or wants it as it is
    """
    for line in (*tell(transaction.progress), *_situation(transaction)):
        emit(line)
    if database == "keep":
        for action in ("database", "schema"):
            transaction.journal.append(journal.UndoDone(action, {"kept": "at a person's word"}))
    _start_service(transaction)


def _start_service(transaction: Transaction) -> None:
    """Start the service where it does not run, though the version of before is linked: nothing else would start it.

    While the links lead elsewhere, the way back restarts it.
    """
    begin, layout = transaction.begin, transaction.layout
    unit, was = begin.settings.systemd_service, begin.was
    if not was or linked_version(layout, layout.path("current_main")) != was:
        return
    shown = systemd.unit_properties(unit)
    if shown.get("LoadState") != "loaded" or shown.get("ActiveState") not in ("inactive", "failed"):
        return
    emit(f"{unit} does not run: it is started")
    try:
        systemd.restart(transaction.runner("recover", None, begin.settings.restart_limit), unit)
    except CommandFailed as problem:
        # What there is to say of the app comes with the proof of its health.
        emit(f"{unit} can't be started: {problem}")


def _situation(transaction: Transaction) -> list[str]:
    """What is what, and what is left to do."""
    progress, layout = transaction.progress, transaction.layout
    live = linked_version(layout, layout.path("current_main")) or "no version"
    left = ", ".join(action.name for action in plan_fallback(progress))
    lines = [f"live now: {live} ({health.app_problem(layout, live) or 'healthy'})", f"left to undo: {left}"]
    if "migrate" in progress.started:
        lines.append(f"the database goes back by: {database_fallback_of(progress)}")
    if progress.backup:
        lines.append(f"backup from this deploy: {progress.backup.path} (sha256 {progress.backup.sha256})")
        lines.append(f"to restore it by hand: {restore_command(transaction, progress.backup.path)}")
    lines.append(
        "if you put the database right yourself: --data database=keep; to free the host anyway: --data force=true"
    )
    return lines


def tell(progress: Progress) -> list[str]:
    """A journal as a story: a line for each thing that happened."""
    told = ((line.at, _sentence(line.says)) for line in progress.lines)
    return [time.strftime("%H:%M:%S ", time.gmtime(at)) + text for at, text in told if text]


# How each kind of line reads; what is not here is bookkeeping.
SENTENCES: dict[type, str] = {
    journal.Begin: "{0.kind} {0.deploy} of {0.version} by {0.by}",
    journal.StepDone: "{0.step}: done in {0.seconds} s",
    journal.StepFailed: "{0.step}: FAILED: {0.reason}",
    journal.StepInterrupted: "{0.step}: {0.reason}",
    journal.FallsBack: "falling back: {0.reason}",
    journal.Committed: "committed",
    journal.Ended: "{0.sentence}",
    journal.HookEnded: "{0.point}: {0.how}",
}


def _sentence(event: journal.Event) -> str:
    if isinstance(event, journal.UndoDone):
        undo = undo_named(event.action)
        return undo.done(read(undo.shape, event.note, f"the note of {event.action}"))
    if isinstance(event, journal.UndoFailed):
        return undo_named(event.action).failed(event.problem)
    return SENTENCES.get(type(event), "").format(event)
