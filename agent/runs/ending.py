"""How a deploy ends that is refused or taken back. Whoever comes next can finish it, as a commit that was cut off."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Callable

from agent.host.command import CommandFailed
from agent.host.links import NotALink
from agent.host.output import aside, emit
from agent.runs.clean import forget_failed
from agent.runs.interrupts import Interrupted
from agent.runs.left_running import let_scripts_go_on
from agent.service import health, systemd
from agent.service.health import Unhealthy, prove_healthy
from agent.steps.fallback import outcome_of, plan_fallback, undo_named
from agent.steps.hooks import due_after
from agent.steps.outcomes import fallback_end
from agent.steps.switch.health import HealthSeen
from agent.text.masking import masked_urls
from agent.transaction.end import end, nothing
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.versions.marks import linked_version
from agent.visitors import site
from agent.words.journal import Ended, Noted, UndoDone, UndoFailed
from agent.words.notes import Undone
from agent.words.outcomes import Outcome
from agent.words.shapes import bare

# What a step or an undo may fail with that is the host's trouble and no error in the agent.
TROUBLE = (StepFailed, CommandFailed, Unhealthy, Interrupted, NotALink, OSError)


def end_refused(transaction: Transaction, reason: str) -> None:
    """End a deploy that had not begun to do anything.

    + reason: why, and what is live
    """
    _end(transaction, Ended(Outcome.REFUSED, f"refused: {reason}"))


def end_fallback(transaction: Transaction) -> None:
    """End a fallback of which all was tried."""
    if transaction.progress.problems and systemd.host_goes_down():
        emit("the host goes down: it goes on falling back when it boots")
        return
    if transaction.progress.problems:
        # A script that has failed may have done what it is for.
        transaction.journal.note(Noted("visitors", {"shut": site.glance(StepContext("fallback", transaction, 0)).shut}))
    outcome = outcome_of(transaction.progress)
    ended = _ended(transaction, outcome)
    if outcome != Outcome.NEEDS_A_PERSON:
        forget_failed(transaction)
    _end(transaction, ended, due_after)
    aside(ended.sentence)


def end_if_well(transaction: Transaction) -> None:
    """Write a second ending, and free the host, if the old version has become well by itself after all."""
    settings = transaction.begin.settings
    begin, was = transaction.begin, linked_version(transaction.layout, transaction.layout.path("current_main"))
    if was is None or was != begin.was or health.app_problem(transaction.layout, was, known=begin.ailing) is not None:
        return
    notes = dict[str, Undone]()
    try:
        prove_healthy(transaction.layout, was, patience=1, known=begin.ailing)
        notes["health"] = HealthSeen(version=was)
        for undo in plan_fallback(transaction.progress):
            # Nobody has asked what visitors get, while the app itself was not well.
            if undo.only_if_well:
                notes[undo.name] = undo.do(StepContext("fallback", transaction, undo.limit(settings)))
    except TROUBLE:
        return
    for action, note in notes.items():
        transaction.journal.append(UndoDone(action, bare(note)))
    outcome = outcome_of(transaction.progress)
    end(transaction, _ended(transaction, outcome), due_after)


def _end(transaction: Transaction, ended: Ended, due: Callable[[Progress], str] = nothing) -> None:
    """End a transaction that has changed nothing, or nothing any more."""
    try:
        end(transaction, ended, due)
    except OSError as error:
        emit(f"the host stays held while {transaction.state.root} can't be written ({error}); then its runner frees it")


def undo(transaction: Transaction, name: str) -> UndoDone | UndoFailed:
    """Do one action of the way back. Returns what is to be written down of it, and says how it went."""
    one = undo_named(name)
    one.make_room(transaction)
    step = StepContext("fallback", transaction, one.limit(transaction.begin.settings))
    try:
        found = one.do(step)
        told = one.done(found)
        if one.lets_visitors_in:
            let_scripts_go_on(transaction, name)
    except TROUBLE as problem:
        text = masked_urls(str(problem))
    except Exception:  # noqa: BLE001 - an error of ours must not stop the other actions
        text = masked_urls("an error in the agent:\n" + traceback.format_exc())
    else:
        (aside if one.tidies else emit)(f"  {told}")
        return UndoDone(name, bare(found))
    emit(f"  {one.failed(text)}")
    return UndoFailed(name, text)


def _ended(transaction: Transaction, outcome: Outcome) -> Ended:
    """How a deploy ended that did not commit, with the line that says so."""
    live = linked_version(transaction.layout, transaction.layout.path("current_main"))
    progress = transaction.progress
    restore = restore_command(transaction, progress.backup.path) if progress.backup else ""
    return fallback_end(progress, outcome, live, str(transaction.folder), restore)


def restore_command(transaction: Transaction, backup: str) -> str:
    """What a person types on the host to restore a backup."""
    script = transaction.layout.optional_path("restore_script")
    if script is None:
        return "with your database's own tools, since restore_script is not set"
    return shlex.join(["sudo", "-u", transaction.layout.app, str(script), backup])
