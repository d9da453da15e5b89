"""How a deploy ends that is refused or taken back. Whoever comes next can finish it, as a commit that was cut off."""

from __future__ import annotations

import shlex
import time
import traceback
from collections.abc import Sequence

from agent import probes, reserve, service, undo
from agent.clean import forget_failed
from agent.command import CommandFailed
from agent.commit import finish_commit
from agent.cost import measured_or_nothing, sentences
from agent.fallback import (
    LINKS,
    MAINTENANCE,
    MARK,
    SITE,
    Action,
    maintenance_is_ours,
    only_health_is_missing,
    outcome_of,
    plan_fallback,
    waits_for_primary,
)
from agent.health import Unhealthy, prove_healthy
from agent.interrupts import Interrupted
from agent.lines import first_line
from agent.links import NotALink
from agent.masking import masked_urls
from agent.progress import Progress
from agent.say import say
from agent.site import STILL_ON
from agent.step import Step, StepFailed
from agent.transaction import Transaction, end
from agent.versions import linked_version

# What a booting host undoes before it starts the app; the rest needs the app, or waits for it.
BEFORE_APP_STARTS = ("links", "database")
# What can be undone while the database is still as the new version needs it.
BEFORE_DATABASE = ("stop commands", "evidence", "links", "restart", "stop service")

# What a step or an undo may fail with that is the host's trouble and no error in the agent.
TROUBLE = (StepFailed, CommandFailed, Unhealthy, Interrupted, NotALink, OSError)


def end_refused(transaction: Transaction, reason: str) -> None:
    """End a deploy that had not begun to do anything, unless whoever interrupted it has."""
    with transaction.alone():
        # If the host was taken after that, the guard frees it.
        if not transaction.progress.outcome:
            _end(transaction, "refused", f"refused: {reason}; nothing was changed")


def fall_back(transaction: Transaction, reason: str, settled: bool = False) -> str:
    """Undo what this deploy has done, and end it. Returns the outcome.

    + reason: a sentence for the people who will read of it
    + settled: whether the primary host has taken the database back already
    """
    transaction.journal.note("fallback", reason=masked_urls(reason), settled=settled)
    say(f"falling back: {masked_urls(reason)}")
    if waits_for_primary(transaction.progress):
        _undo_all(transaction, BEFORE_DATABASE)
        say("still falling back: the guard ends it here, once the primary host has taken the database back")
        return "falling back"
    return finish_fallback(transaction)


def prepare_fallback(transaction: Transaction, reason: str) -> None:
    """Undo what has to be undone before the app starts, when the host boots; the guard does the rest once it runs."""
    transaction.journal.note("fallback", reason=masked_urls(reason))
    _undo_all(transaction, BEFORE_APP_STARTS)


def _undo_all(transaction: Transaction, names: Sequence[str]) -> None:
    for action in plan_fallback(transaction.journal.records()):
        if action.name in names:
            _undo(transaction, action)


def finish_fallback(transaction: Transaction) -> str:
    """Do what is left of a fallback, and end it. Returns the outcome."""
    plan = plan_fallback(transaction.journal.records())
    if [action.name for action in plan] == ["finish commit"]:
        finish_commit(transaction)
        return "committed"
    keeps_maintenance = stuck = False
    for action in plan:
        if stuck and action != MARK:
            # The new version stays linked, so its own schema has to stay with it, and maintenance before it.
            continue
        if action == MAINTENANCE and keeps_maintenance:
            say("  maintenance stays on: what is live now is not to be seen")
            continue
        if action == SITE and transaction.progress.problems:
            # Whatever visitors get, it is not yet what they are to get.
            continue
        if not _undo(transaction, action):
            keeps_maintenance = keeps_maintenance or action.keeps_maintenance
            stuck = stuck or action == LINKS
    if transaction.progress.problems and service.host_goes_down():
        say("the host goes down: it goes on falling back when it boots")
        return "falling back"
    write_down_probes(transaction)
    outcome = outcome_of(transaction.progress)
    sentence = fallback_sentence(transaction, outcome, keeps_maintenance)
    if outcome != "needs a person":
        forget_failed(transaction)
    for line in sentences(measured_or_nothing(transaction.journal.records())):
        say(line)
    _end(transaction, outcome, sentence)
    say(sentence)
    return outcome


def end_if_well(transaction: Transaction) -> None:
    """Write a second ending, and free the host, if the old version has become well by itself after all."""
    begin, was = transaction.begin, linked_version(transaction.layout, transaction.layout.path("current_main"))
    if was is None or was != begin.get("was"):
        return
    notes = {}
    try:
        found = prove_healthy(transaction.layout, was, patience=1, known=begin.get("ailing", ()))
        notes["health"] = {"version": was, **found}
        if SITE in plan_fallback(transaction.journal.records()):
            # Nobody has asked what visitors get, while the app itself was not well.
            notes["site"] = undo.ACTIONS[SITE.name](Step("fallback", transaction, _limit(transaction, SITE)))
    except TROUBLE:
        return
    for action, note in notes.items():
        transaction.journal.append("undo done", action=action, note=note)
    outcome = outcome_of(transaction.progress)
    end(transaction, outcome, fallback_sentence(transaction, outcome, keeps_maintenance=False))


def _end(transaction: Transaction, outcome: str, sentence: str) -> None:
    """End a transaction that has changed nothing, or nothing any more."""
    try:
        end(transaction, outcome, sentence)
    except OSError as error:
        say(f"the host stays held while {transaction.state.root} can't be written ({error}); then its guard frees it")


def _undo(transaction: Transaction, action: Action) -> bool:
    """Do one action of the plan, and write down how it went."""
    transaction.journal.note("undo started", action=action.name)
    # Not a moment earlier: whatever has filled the disk, an app that logs its errors say, would take it.
    if action == LINKS:
        reserve.give_back_for_links(transaction.layout)
    else:
        transaction.free_room_for(action.name)
    step = Step("fallback", transaction, _limit(transaction, action))
    try:
        found = undo.ACTIONS[action.name](step)
    except TROUBLE as problem:
        text = masked_urls(str(problem))
    except Exception:  # noqa: BLE001 - an error of ours must not stop the other actions
        text = "an error in the agent:\n" + traceback.format_exc()
    else:
        transaction.journal.note("undo done", action=action.name, note=found)
        databases = found.get("databases") or ()
        which = f" ({', '.join(databases)})" if len(databases) > 1 else ""
        say(f"  undone: {action.name}{which}" if action.name not in ("evidence", "mark") else f"  kept: {action.name}")
        return True
    transaction.journal.note("undo failed", action=action.name, problem=text)
    say(f"  could not undo {action.name}: {text}")
    return False


def write_down_probes(transaction: Transaction) -> None:
    """Stop asking the site, and write down what it has answered; nothing where nobody asks."""
    found = probes.found()
    if found:
        transaction.journal.note("note", step="downtime", note={str(round(time.time(), 3)): found})


def _limit(transaction: Transaction, action: Action) -> float:
    settings = transaction.begin["settings"]
    key = {"database": "migrate_timeout", "restart": "restart_timeout", "stop service": "restart_timeout"}
    return float(settings[key.get(action.name, "script_timeout")])


def fallback_sentence(transaction: Transaction, outcome: str, keeps_maintenance: bool) -> str:
    """The line that says how a deploy ended that did not commit, and what the site is like now."""
    progress = transaction.progress
    where = f"{outcome} at {progress.failed or progress.step}"
    current = linked_version(transaction.layout, transaction.layout.path("current_main"))
    if outcome == "refused":
        live = current or "no version"
        return f"{where}: the live site was never touched ({live} is live); evidence: {transaction.folder}"
    if outcome == "fell back":
        state = (
            f"{current} is live and {_proven(progress, transaction)}" if current else "no version is live, as before"
        )
        return f"{where}: {state}, maintenance is off{_as_before(transaction)}; evidence: {transaction.folder}"
    problems = "; ".join(first_line("{action}: {problem}".format(**one)) for one in progress.problems)
    maintenance = _maintenance_state(progress, keeps_maintenance)
    text = f"{where}: {current or 'no version'} is live, {maintenance}; what could not be undone: {problems}"
    backup = progress.backup.get("path")
    if backup:
        text += f"; the database's backup: {backup}; to restore it: {restore_command(transaction, backup)}"
    looks = "; it is freed by itself once it is healthy" if only_health_is_missing(progress) else ""
    return text + f"; evidence: {transaction.folder}{looks}; next: deploys/recover.py"


def restore_command(transaction: Transaction, backup: str) -> str:
    """What a person types on the host to restore a backup."""
    script = transaction.layout.optional_path("restore_script")
    if script is None:
        return "with your database's own tools, since restore_script is not set"
    return shlex.join(["sudo", "-u", transaction.layout.app, str(script), backup])


def _maintenance_state(progress: Progress, kept: bool) -> str:
    if kept and maintenance_is_ours(progress):
        return "maintenance stays ON"
    if any(STILL_ON in problem["problem"] for problem in progress.problems):
        return "maintenance is still ON"
    if any(problem["action"] == "site" for problem in progress.problems):
        return "whether maintenance is off can't be told from what visitors get"
    if any(problem["action"] == "maintenance" for problem in progress.problems):
        return "maintenance may still be ON, since its stop script failed"
    return "maintenance is off"


def _as_before(transaction: Transaction) -> str:
    """What visitors get, where that is no better than it was before the deploy."""
    for record in reversed(transaction.journal.records()):
        if record.get("event") == "undo done" and record.get("action") == "site":
            wrong = (record.get("note") or {}).get("as_before")
            return f"; visitors get no better than before the deploy began: {wrong}" if wrong else ""
    return ""


def _proven(progress: Progress, transaction: Transaction) -> str:
    for record in reversed(transaction.journal.records()):
        if record.get("event") == "undo done" and record.get("action") == "health":
            note = record.get("note", {})
            if note.get("unhealthy"):
                return f"UNHEALTHY {note['unhealthy']}"
            still = note.get("as_before")
            return "proven healthy" + (f" (as before the deploy, {'; '.join(still)})" if still else "")
    return "untouched"
