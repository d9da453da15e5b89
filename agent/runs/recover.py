"""Getting a host out of an outcome that needs a person: the story of what happened, and another try at the way back."""

from __future__ import annotations

import collections
import time

from agent.host.command import CommandFailed
from agent.host.output import say
from agent.runs.ending import fall_back, restore_command
from agent.service import health, systemd
from agent.steps.fallback import plan_fallback, undo_named
from agent.transaction.consequences import database_way
from agent.transaction.end import finish_end
from agent.transaction.journal import Record
from agent.transaction.lock import free_lock
from agent.transaction.transaction import Refused, Transaction, describe_holder
from agent.versions.marks import linked_version
from agent.words.outcomes import Outcome


def recover(transaction: Transaction, database: str = "", force: bool = False) -> bool:
    """Tell what happened, finish the fallback, and free the host. Returns whether it is well now.

    + database: `keep` when a person has put the database right, or wants it as it is
    + force: free the host even if something could not be undone

    Raises Refused while the deploy is still running.
    """
    for line in tell(transaction.journal.records()):
        say(line)
    with transaction.alone():
        progress = transaction.progress
        if progress.outcome is None and not progress.falling_back and time.time() < progress.deadline:
            raise Refused("a deploy is still running: " + describe_holder(transaction.state, transaction.deploy))
        if progress.outcome not in (None, Outcome.NEEDS_A_PERSON):
            finish_end(transaction)
            return True
        for line in _situation(transaction):
            say(line)
        if database == "keep":
            for action in ("database", "schema"):
                transaction.journal.append("undo done", action=action, note={"kept": "at a person's word"})
        _start_service(transaction)
        if fall_back(transaction, "a person asked to recover", settled=True) != Outcome.NEEDS_A_PERSON:
            return True
        if force:
            free_lock(transaction.state, transaction.deploy)
            say("freed all the same, as you asked: the next deploy will be tried")
        return False


def _start_service(transaction: Transaction) -> None:
    """Start the service where it does not run, though the version of before is linked: nothing else would start it.

    While the links lead elsewhere, the way back restarts it.
    """
    begin, layout = transaction.begin, transaction.layout
    unit, was = begin["settings"]["systemd_service"], begin.get("was")
    if not was or linked_version(layout, layout.path("current_main")) != was:
        return
    shown = systemd.unit_properties(unit)
    if shown.get("LoadState") != "loaded" or shown.get("ActiveState") not in ("inactive", "failed"):
        return
    say(f"{unit} does not run: it is started")
    try:
        systemd.restart(transaction.runner("recover", None, begin["settings"]["restart_timeout"]), unit)
    except CommandFailed as problem:
        # What there is to say of the app comes with the proof of its health.
        say(f"{unit} can't be started: {problem}")


def _situation(transaction: Transaction) -> list[str]:
    """What is what, and what is left to do."""
    progress, layout = transaction.progress, transaction.layout
    live = linked_version(layout, layout.path("current_main")) or "no version"
    left = ", ".join(action.name for action in plan_fallback(transaction.journal.records()))
    lines = [f"live now: {live} ({health.app_problem(layout, live) or 'healthy'})", f"left to undo: {left}"]
    if "migrate" in progress.started:
        lines.append(f"the database goes back by: {database_way(progress)}")
    if progress.backup:
        lines.append("backup from this deploy: {path} (sha256 {sha256})".format(**progress.backup))
        lines.append(f"to restore it by hand: {restore_command(transaction, progress.backup['path'])}")
    lines.append(
        "if you put the database right yourself: --data database=keep; to free the host anyway: --data force=true"
    )
    return lines


def tell(records: list[Record]) -> list[str]:
    """A journal as a story: a line for each thing that happened."""
    lines = []
    for record in records:
        text = _sentence(record)
        if text:
            lines.append(time.strftime("%H:%M:%S ", time.gmtime(record["at"])) + text)
    return lines


# How each kind of line reads; what is not here is bookkeeping.
SENTENCES = {
    "begin": "{kind} {deploy} of {version} by {by}",
    "step done": "{step}: done in {seconds} s",
    "step failed": "{step}: FAILED: {reason}",
    "step interrupted": "{step}: {reason}",
    "fallback": "falling back: {reason}",
    "committed": "committed",
    "ended": "{sentence}",
}


def _sentence(record: Record) -> str:
    if record["event"] == "undo done":
        return undo_named(record["action"]).done(record.get("note") or {})
    if record["event"] == "undo failed":
        return undo_named(record["action"]).failed(record["problem"])
    return SENTENCES.get(record["event"], "").format_map(collections.defaultdict(lambda: "?", record))
