"""Getting a host out of an outcome that needs a person: the story of what happened, and another try at the way back."""

from __future__ import annotations

from agent.host.command import CommandFailed
from agent.host.output import emit
from agent.record.story import tell
from agent.runs.ending import restore_command
from agent.service import health, systemd
from agent.steps.fallback import plan_fallback
from agent.transaction.consequences import database_fallback_of
from agent.transaction.transaction import Transaction
from agent.versions.marks import linked_version
from agent.words import journal


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
