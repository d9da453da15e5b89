"""The end of a deploy: written down in its journal and in the history, and the host freed."""

from __future__ import annotations

from typing import Any

from agent.host.files import append_line, read_lines
from agent.host.output import say
from agent.transaction import bounds, reserve
from agent.transaction.consequences import failed_step
from agent.transaction.cost import measured_or_nothing
from agent.transaction.lock import free_lock
from agent.transaction.transaction import Transaction
from agent.words.outcomes import Outcome


def end(transaction: Transaction, outcome: Outcome, sentence: str) -> None:
    """Write how it ended, here and in the history; then free the host, unless a person is needed first."""
    transaction.journal.append("ended", outcome=outcome, sentence=sentence)
    finish_end(transaction)


def finish_end(transaction: Transaction) -> None:
    """Do all that follows from the line that says how it ended; whatever is done already is left as it is."""
    progress = transaction.progress
    ended = [record for record in transaction.journal.records() if record["event"] == "ended"][-1]
    line = {
        "deploy": transaction.deploy,
        "kind": progress.begin.get("kind"),
        "by": progress.begin.get("by"),
        "began": progress.begin.get("at"),
        "ended": ended["at"],
        "version": progress.begin.get("version"),
        "was": progress.begin.get("was"),
        "outcome": ended["outcome"],
        "step": failed_step(progress),
        "reason": (progress.reason or "").split("\n")[0] or None,
        "backup": progress.backup.get("path"),
        "sentence": ended["sentence"],
        "cost": measured_or_nothing(transaction.journal.records()),
    }
    reserve.give_back_for_links(transaction.layout)
    transaction.free_room()
    transaction.journal.free_room()
    try:
        if not _in_history(transaction, line):
            append_line(transaction.state.history, line)
    except OSError as error:
        # The lock is freed all the same: a full disk must not keep the next deploy from being tried.
        say(f"the history can't be written: {error}")
    if ended["outcome"] != Outcome.NEEDS_A_PERSON:
        # Before the host is free: whoever has it next reads and writes the same.
        named = [str(path) for path in (progress.backup.get("path"), progress.begin.get("backup")) if path]
        settings = progress.begin["settings"]
        bounds.keep_within(transaction.state, transaction.layout, settings, transaction.deploy, named)
        free_lock(transaction.state, transaction.deploy)


def _in_history(transaction: Transaction, line: dict[str, Any]) -> bool:
    """Whether the history has a line already: one deploy may have several, if it needed a person."""
    same = ("deploy", "ended")
    return any(all(one.get(key) == line[key] for key in same) for one in read_lines(transaction.state.history))
