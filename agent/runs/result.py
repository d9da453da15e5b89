"""How a call of the agent has ended, as the controller is told: from the journal, and what this process has said."""

from __future__ import annotations

from agent.host.output import as_said, said
from agent.text.lines import lines_of
from agent.transaction.consequences import failed_step, waits_for_primary
from agent.transaction.cost import measured_or_nothing, sentences
from agent.transaction.transaction import Transaction
from agent.words.outcomes import Cause, Outcome
from agent.words.result import Result

# What becomes of a host that does not take the database back itself, and of a fallback that was cut off.
WAITS = "still falling back: the guard ends it here, once the primary host has taken the database back"
GOES_ON = "still falling back: the guard goes on with it"


def result_of(transaction: Transaction, ok: bool) -> Result:
    """How a call that was about a deploy has ended.

    + ok: whether it has done what it was asked for
    """
    progress = transaction.progress
    warnings, told = tuple(said.warnings), tuple(said.told)
    if not progress.falling_back and progress.outcome is None:
        return Result(ok, warnings=warnings, told=told)
    goes_on = WAITS if waits_for_primary(progress) else GOES_ON
    return Result(
        ok,
        outcome=progress.outcome or Outcome.FALLING_BACK,
        sentence=as_said(progress.ended.sentence if progress.ended else goes_on),
        reason=tuple(lines_of(as_said(progress.reason or ""))),
        warnings=warnings,
        told=told,
        cost=tuple(sentences(measured_or_nothing(progress))) if progress.outcome else (),
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
