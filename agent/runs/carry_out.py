"""Running one step of a deploy, in a worker; what it has found, or why it failed, is for the runner to write down."""

from __future__ import annotations

import time
import traceback

from agent.django.locks import NoLock
from agent.inside.lean import dataclass
from agent.runs.ending import TROUBLE
from agent.runs.interrupts import Interrupted, interruptible
from agent.runs.left_running import let_scripts_go_on
from agent.service import systemd
from agent.steps.kind import Phase, StepKind
from agent.steps.order import known_from, named
from agent.text.masking import masked_urls
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction
from agent.words.journal import Written
from agent.words.notes import Note
from agent.words.shapes import bare


@dataclass(frozen=True)
class Carried:
    """How a step has ended.

    + note: what it has found out; says: what a person reads of it; decided: whether they read it once more at the end
    + failed: why it has failed; no_lock: whether whoever held a lock in the database is to blame
    + interrupted: whether a person has ended it; host_goes_down: whether that is why it failed
    """

    seconds: float
    note: Written
    says: tuple[str, ...] = ()
    warning: str = ""
    decided: bool = False
    failed: str = ""
    no_lock: bool = False
    interrupted: bool = False
    host_goes_down: bool = False


def carry_out(transaction: Transaction, name: str, url: str) -> Carried:
    """Run one step.

    + url: the repository, where it needs one
    """
    kind = named(name)
    if kind is None:
        raise KeyError(f"there is no step {name}")
    began = time.monotonic()
    no_lock = interrupted = False
    try:
        step = StepContext(name, transaction, kind.limit(transaction.begin.settings), url)
        with interruptible():
            note = do(kind, step)
        if kind.script_setting and kind.phase is Phase.SWITCH:
            let_scripts_go_on(transaction, name)
        return _well(kind, note, round(time.monotonic() - began, 2))
    except Interrupted as interruption:
        # The step is not to blame, and neither is the version.
        interrupted, reason = True, str(interruption)
    except NoLock as problem:
        no_lock, reason = True, masked_urls(str(problem))
    except TROUBLE as problem:
        reason = masked_urls(str(problem))
    except Exception:  # noqa: BLE001 - whatever goes wrong in a step, the site has to come back
        reason = masked_urls("an error in the agent:\n" + traceback.format_exc())
    seconds = round(time.monotonic() - began, 2)
    down = systemd.host_goes_down()
    return Carried(seconds, {}, failed=reason, no_lock=no_lock, interrupted=interrupted, host_goes_down=down)


def do(kind: StepKind, step: StepContext) -> Note:
    """Do a step, or note why it has nothing to do."""
    return idle(kind, step.progress) or kind.do(step)


def idle(kind: StepKind, progress: Progress) -> Note | None:
    """Why a step has nothing to do, where that is known without a look at anything; None where it is not. Pure."""
    why = kind.idle(known_from(progress))
    return kind.skip(why) if why else None


def carried_idle(progress: Progress, name: str) -> Carried | None:
    """How a step ends that has nothing to do, so that no worker is started for it; None where it takes one."""
    kind = named(name)
    try:
        note = idle(kind, progress) if kind else None
        return _well(kind, note, 0.0) if kind and note else None
    except Exception:  # noqa: BLE001 - whatever is wrong with what is known, its worker runs into it, and fails the step
        return None


def _well(kind: StepKind, note: Note, seconds: float) -> Carried:
    return Carried(
        seconds, bare(note), tuple(kind.says(note, seconds)), note.warning, bool(kind.decides and note.skipped)
    )
