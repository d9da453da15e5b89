"""How a call of the agent has ended, as the controller is told: from the journal, and what was said meanwhile."""

from __future__ import annotations

from dataclasses import replace

from agent.host.output import as_said
from agent.inside.lean import dataclass
from agent.text.lines import lines_of
from agent.transaction.consequences import failed_step, waits_for_primary
from agent.transaction.cost import measured_or_nothing
from agent.transaction.progress import Progress
from agent.transaction.transaction import Transaction
from agent.words.outcomes import Cause, Outcome
from agent.words.result import Result, StepTold

# What becomes of a host that does not take the database back itself, and of one that is not done yet.
WAITS = "still falling back: it ends by itself, once the primary host has taken the database back"
GOES_ON = "still falling back: it goes on by itself"


@dataclass(frozen=True)
class Said:
    """What a run has said so far that a person reads at its end, and of the steps that have ended."""

    warnings: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    steps: tuple[StepTold, ...] = ()


NOTHING = Said()


def result_of(progress: Progress, ok: bool, said: Said = NOTHING) -> Result:
    """How a call has ended that was about a deploy.

    + ok: whether it has done what it was asked for; said: what was said meanwhile
    """
    known = Result(ok, warnings=said.warnings, told=said.told, steps=said.steps)
    if not progress.falling_back and progress.outcome is None:
        return known
    goes_on = WAITS if waits_for_primary(progress) else GOES_ON
    return replace(
        known,
        outcome=progress.outcome or Outcome.FALLING_BACK,
        sentence=as_said(progress.ended.sentence if progress.ended else goes_on),
        state=as_said(progress.ended.state) if progress.ended else "",
        reason=tuple(lines_of(as_said(progress.reason or ""))),
        undone=progress.ended.undone if progress.ended else (),
        spent=measured_or_nothing(progress) if progress.outcome else None,
        seconds=round(progress.lines[-1].at - progress.lines[0].at, 1),
        backup=progress.backup.path if progress.backup else None,
        failed=failed_step(progress),
        evidence=progress.outcome not in (None, Outcome.COMMITTED),
        followed=progress.cause == Cause.ANOTHER_HOST,
        interrupted=progress.cause == Cause.PERSON,
        database_back=progress.outcome in (Outcome.REFUSED, Outcome.FELL_BACK),
    )


def refused(reason: str) -> Result:
    """How a call has ended that could not be done, and has changed nothing."""
    return Result(False, Outcome.REFUSED, as_said(f"refused: {reason}"), database_back=True)


def needs_a_person(reason: str) -> Result:
    """How a call has ended where a journal can't be read."""
    return Result(False, Outcome.NEEDS_A_PERSON, as_said(f"needs a person: {reason}"))


def told_by_disk(transaction: Transaction, step: str = "") -> Result:
    """How a run has ended, by what is on disk of it.

    + step: the one that is asked for, which may have gone well by itself
    """
    if not transaction.folder.exists():
        return refused("this deploy was never begun here; nothing was changed")
    progress = transaction.progress
    if step in progress.done:
        return Result(True)
    return result_of(progress, progress.outcome == Outcome.COMMITTED)
