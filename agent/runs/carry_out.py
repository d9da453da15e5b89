"""Running one step of a deploy; if it fails, the way back is taken in that same call."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence

from agent.django.locks import NoLock
from agent.host.output import announce, client_connected, emit, warn
from agent.runs.ending import TROUBLE, fall_back, write_down_probes
from agent.runs.interrupts import Interrupted, interruptible
from agent.service import systemd
from agent.state import State
from agent.steps.kind import StepKind
from agent.steps.order import known_from, named, visitors_may_notice
from agent.text.masking import masked_urls
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction, holding
from agent.visitors import probes
from agent.words.journal import StepDone, StepFailed, StepInterrupted, StepStarted
from agent.words.notes import Note
from agent.words.outcomes import Cause
from agent.words.shapes import bare


def run_steps(state: State, deploy: str, names: Sequence[str], urls: Mapping[str, str]) -> bool:
    """Run steps one after the other, until one fails. Returns whether all went well; if not, the deploy has ended.

    + urls: the repositories of the steps that need one

    Raises Ended when this deploy does not hold the host any more.
    """
    transaction = Transaction(state, deploy)
    for name in names:
        if not run_step(state, deploy, name, urls.get(name, "")):
            return False
        if name == names[-1]:
            write_down_probes(transaction)
        if not client_connected():
            # Whoever asked for this is gone, and won't confirm it: what is done is taken back at the deadline.
            return False
    return True


def run_step(state: State, deploy: str, name: str, url: str = "") -> bool:
    """Run one step. Returns whether it went well; if not, the deploy has ended already.

    + url: the repository, where it needs one

    Raises Ended when this deploy does not hold the host any more.
    """
    with holding(state, deploy) as transaction:
        progress = transaction.progress
        if name in progress.done:
            emit(f"{name}: done already")
            return True
        if visitors_may_notice(progress, name):
            probes.watch(progress)
        return _carry_out(transaction, name, url)


def _carry_out(transaction: Transaction, name: str, url: str) -> bool:
    settings = transaction.begin.settings
    kind = named(name)
    if kind is None:
        raise KeyError(f"there is no step {name}")
    limit = kind.limit(settings)
    began = time.time()
    deadline = began + limit + settings.confirm_timeout
    cause, no_lock = Cause.ITSELF, False
    try:
        transaction.journal.append(StepStarted(name, deadline))
        step = StepContext(name, transaction, limit, url)
        with interruptible():
            note = do(kind, step)
        _write_done(transaction, kind, round(time.time() - began, 2), note)
    except Interrupted as interruption:
        # The step is not to blame, and neither is the version.
        cause, reason = Cause.PERSON, str(interruption)
    except NoLock as problem:
        no_lock, reason = True, masked_urls(str(problem))
    except TROUBLE as problem:
        reason = masked_urls(str(problem))
    except Exception:  # noqa: BLE001 - whatever goes wrong in a step, the site has to come back
        reason = "an error in the agent:\n" + traceback.format_exc()
    else:
        return True
    if systemd.host_goes_down():
        emit(f"the host goes down during {name}: it falls back when it boots")
        return False
    if cause == Cause.PERSON:
        transaction.journal.note(StepInterrupted(name, reason))
        fall_back(transaction, f"{reason} during {name}", cause=cause)
    else:
        transaction.journal.note(StepFailed(name, reason, no_lock))
        fall_back(transaction, f"{name} failed: {reason}")
    return False


def do(kind: StepKind, step: StepContext) -> Note:
    """Do a step, or note why it has nothing to do."""
    why = kind.idle(known_from(step.progress))
    return kind.skip(step, why) if why else kind.do(step)


def _write_done(transaction: Transaction, kind: StepKind, seconds: float, note: Note) -> None:
    """Write down that a step went well; one that can't be written down has failed."""
    begin = transaction.begin
    # With several hosts the next step begins when the slowest has done this one, so its full time stays.
    deadline = time.time() + begin.settings.confirm_timeout if len(begin.hosts) < 2 else None
    transaction.journal.append(StepDone(kind.name, seconds, bare(note), deadline))
    # What was decided, a person reads once more at the end.
    tell = announce if kind.decides and note.skipped else emit
    for line in kind.says(note, seconds):
        tell(line)
    if note.warning:
        warn(f"{kind.name}: WARNING: {note.warning}")
