"""How a deploy ends that is refused or taken back. Whoever comes next can finish it, as a commit that was cut off."""

from __future__ import annotations

import shlex
import time
import traceback

from agent.host.command import CommandFailed
from agent.host.links import NotALink
from agent.host.output import emit
from agent.runs.clean import forget_failed
from agent.runs.finish import finish_commit
from agent.runs.interrupts import Interrupted
from agent.runs.result import WAITS
from agent.service import systemd
from agent.service.health import Unhealthy, prove_healthy
from agent.steps.fallback import FINISH_COMMIT, outcome_of, plan_fallback
from agent.steps.kind import Undo
from agent.steps.outcomes import fallback_sentence
from agent.steps.switch.health import HealthSeen
from agent.text.masking import masked_urls
from agent.transaction.consequences import waits_for_primary
from agent.transaction.cost import measured_or_nothing, sentences
from agent.transaction.end import end
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.versions.marks import linked_version
from agent.visitors import probes, site
from agent.words.journal import FallsBack, Noted, UndoDone, UndoFailed, UndoStarted
from agent.words.notes import Undone
from agent.words.outcomes import Cause, Outcome
from agent.words.shapes import bare

# What a step or an undo may fail with that is the host's trouble and no error in the agent.
TROUBLE = (StepFailed, CommandFailed, Unhealthy, Interrupted, NotALink, OSError)


def end_refused(transaction: Transaction, reason: str) -> None:
    """End a deploy that had not begun to do anything, unless whoever interrupted it has.

    + reason: why, and what is live
    """
    with transaction.alone():
        # If the host was taken after that, the guard frees it.
        if not transaction.progress.outcome:
            _end(transaction, Outcome.REFUSED, f"refused: {reason}")


def fall_back(
    transaction: Transaction, reason: str, database_is_back: bool = False, cause: Cause = Cause.ITSELF
) -> Outcome:
    """Undo what this deploy has done, and end it. Returns the outcome.

    + reason: a sentence for the people who will read of it
    + database_is_back: whether the primary host has taken the database back already
    + cause: whose doing that is
    """
    transaction.journal.note(FallsBack(masked_urls(reason), database_is_back, cause))
    emit(f"falling back: {masked_urls(reason)}")
    if waits_for_primary(transaction.progress):
        _undo_all(transaction, [undo for undo in plan_fallback(transaction.progress) if undo.before_the_database])
        emit(WAITS)
        return Outcome.FALLING_BACK
    return finish_fallback(transaction)


def prepare_fallback(transaction: Transaction, reason: str) -> None:
    """Undo what has to be undone before the app starts, when the host boots; the guard does the rest once it runs."""
    transaction.journal.note(FallsBack(masked_urls(reason)))
    plan = plan_fallback(transaction.progress)
    if not _undo_all(transaction, [undo for undo in plan if undo.before_the_app]):
        # The app starts from the new version, whose schema stays with it until the links are back.
        transaction.journal.note(Noted("boot", {"links": "stayed"}))


def finish_fallback(transaction: Transaction) -> Outcome:
    """Do what is left of a fallback, and end it. Returns the outcome."""
    plan = plan_fallback(transaction.progress)
    if plan == [FINISH_COMMIT]:
        finish_commit(transaction)
        return Outcome.COMMITTED
    _undo_all(transaction, plan)
    if transaction.progress.problems and systemd.host_goes_down():
        emit("the host goes down: it goes on falling back when it boots")
        return Outcome.FALLING_BACK
    write_down_probes(transaction)
    if transaction.progress.problems:
        # A script that has failed may have done what it is for.
        transaction.journal.note(Noted("visitors", {"shut": site.glance(StepContext("fallback", transaction, 0)).shut}))
    outcome = outcome_of(transaction.progress)
    sentence = _sentence(transaction, outcome)
    if outcome != Outcome.NEEDS_A_PERSON:
        forget_failed(transaction)
    for line in sentences(measured_or_nothing(transaction.progress)):
        emit(line)
    _end(transaction, outcome, sentence)
    emit(sentence)
    return outcome


def end_if_well(transaction: Transaction) -> None:
    """Write a second ending, and free the host, if the old version has become well by itself after all."""
    begin, was = transaction.begin, linked_version(transaction.layout, transaction.layout.path("current_main"))
    if was is None or was != begin.was:
        return
    notes = dict[str, Undone]()
    try:
        prove_healthy(transaction.layout, was, patience=1, known=begin.ailing)
        notes["health"] = HealthSeen(version=was)
        for undo in plan_fallback(transaction.progress):
            # Nobody has asked what visitors get, while the app itself was not well.
            if undo.only_if_well:
                notes[undo.name] = undo.do(StepContext("fallback", transaction, undo.limit(transaction.begin.settings)))
    except TROUBLE:
        return
    for action, note in notes.items():
        transaction.journal.append(UndoDone(action, bare(note)))
    outcome = outcome_of(transaction.progress)
    end(transaction, outcome, _sentence(transaction, outcome))


def _end(transaction: Transaction, outcome: Outcome, sentence: str) -> None:
    """End a transaction that has changed nothing, or nothing any more."""
    try:
        end(transaction, outcome, sentence)
    except OSError as error:
        emit(f"the host stays held while {transaction.state.root} can't be written ({error}); then its guard frees it")


def _undo_all(transaction: Transaction, plan: list[Undo]) -> bool:
    """Do a plan, as far as it goes. Returns whether nothing was in the way of the rest of it."""
    keeps_visitors_out = stuck = False
    for undo in plan:
        if stuck and not undo.even_then:
            # The new version stays linked, so its own schema has to stay with it, and maintenance before it.
            continue
        if undo.lets_visitors_in and keeps_visitors_out:
            emit(f"  not undone: {undo.name}, since what is live now is not to be seen")
            continue
        if undo.only_if_well and transaction.progress.problems:
            # Whatever visitors get, it is not yet what they are to get.
            continue
        if not _undo(transaction, undo):
            keeps_visitors_out = keeps_visitors_out or undo.keeps_visitors_out
            stuck = stuck or undo.holds_up_the_rest
    return not stuck


def _undo(transaction: Transaction, undo: Undo) -> bool:
    """Do one action of the plan, and write down how it went."""
    transaction.journal.note(UndoStarted(undo.name))
    undo.make_room(transaction)
    step = StepContext("fallback", transaction, undo.limit(transaction.begin.settings))
    try:
        found = undo.do(step)
        told = undo.done(found)
    except TROUBLE as problem:
        text = masked_urls(str(problem))
    except Exception:  # noqa: BLE001 - an error of ours must not stop the other actions
        text = "an error in the agent:\n" + traceback.format_exc()
    else:
        transaction.journal.note(UndoDone(undo.name, bare(found)))
        emit(f"  {told}")
        return True
    transaction.journal.note(UndoFailed(undo.name, text))
    emit(f"  {undo.failed(text)}")
    return False


def write_down_probes(transaction: Transaction) -> None:
    """Stop asking the site, and write down what it has answered; nothing where nobody asks."""
    found = probes.found()
    if found:
        transaction.journal.note(Noted("downtime", {str(round(time.time(), 3)): bare(found)}))


def _sentence(transaction: Transaction, outcome: Outcome) -> str:
    """The line that says how a deploy ended that did not commit."""
    live = linked_version(transaction.layout, transaction.layout.path("current_main"))
    progress = transaction.progress
    restore = restore_command(transaction, progress.backup.path) if progress.backup else ""
    return fallback_sentence(progress, outcome, live, str(transaction.folder), restore)


def restore_command(transaction: Transaction, backup: str) -> str:
    """What a person types on the host to restore a backup."""
    script = transaction.layout.optional_path("restore_script")
    if script is None:
        return "with your database's own tools, since restore_script is not set"
    return shlex.join(["sudo", "-u", transaction.layout.app, str(script), backup])
