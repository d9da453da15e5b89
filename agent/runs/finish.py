"""What follows from a commit's line in the journal: whoever comes next can finish it."""

from __future__ import annotations

import time
from dataclasses import replace

from agent.host.links import replace_link
from agent.host.output import aside
from agent.host.users import acting_as
from agent.restart import background
from agent.steps.hooks import due_after
from agent.transaction import reserve
from agent.transaction.end import end
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout
from agent.versions.marks import linked_versions, read_mark, write_mark
from agent.words.journal import Ended
from agent.words.notes import Checked
from agent.words.outcomes import Outcome

# What is said where the controller was silent once all hosts were well.
PARTED = "it heard that all hosts are well, and nothing after that: the others may have fallen back (deploys/status.py)"


def finish_commit(transaction: Transaction) -> None:
    """Do all that follows from the decision; whatever is done already is left as it is."""
    layout, begin = transaction.layout, transaction.begin
    version, was = begin.version, begin.was
    background.keep_words(transaction)
    reserve.give_back_for_links(layout)
    transaction.free_room()
    if begin.kind in ("deploy", "revert"):
        with acting_as(layout.app):
            _move_links(layout, version, was)
        known = read_mark(transaction.state, version)
        works = replace(
            known,
            working=int(time.time()),
            failed=None,
            evidence=None,
            backup=transaction.progress.backup or known.backup,
            newer_schema=transaction.progress.note(Checked).newer_schema,
        )
        write_mark(transaction.state, version, works)
    if begin.kind == "build":
        # A lot to load, too, and nothing of a deploy's, which cleans up after itself.
        from agent.runs.clean import forget_waiting

        forget_waiting(transaction)
    ended = _ended(transaction)
    end(transaction, ended, due_after)
    aside(ended.sentence)


def _move_links(layout: Layout, version: str, was: str | None) -> None:
    """Move previous and the two working links on. Doing it twice does no more than doing it once."""
    links = layout.main_links()
    now = linked_versions(layout)
    if was and was != version:
        replace_link(links["previous"], str(layout.version(was)))
    if now["working"] != version:
        if now["working"]:
            replace_link(links["previous_working"], str(layout.version(now["working"])))
        replace_link(links["working"], str(layout.version(version)))


def _ended(transaction: Transaction) -> Ended:
    begin, progress = transaction.begin, transaction.progress
    version, was = begin.version, begin.was
    done = Outcome.COMMITTED
    if begin.kind == "restart":
        return Ended(done, f"committed: the service was restarted, and {version} is healthy")
    if begin.kind == "build":
        lives = f"{was or 'no version'} is live, as before"
        return Ended(done, f"committed: {version} is built; {lives}", lives)
    text = f"committed: {version} is live and healthy"
    text += f"; {was} was live before" if was and was != version else ""
    text += f"; backup: {progress.backup.path}" if progress.backup else ""
    newer = progress.note(Checked).newer_schema
    odd = [PARTED] if progress.unasked else []
    odd += [f"the database is newer than its code, which may not be able to use it: {newer[0]}"] if newer else []
    return Ended(done, "; ".join([text, *odd]), "; ".join(odd))
