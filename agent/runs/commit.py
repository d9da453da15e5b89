"""The way in which a deploy ends well."""

from __future__ import annotations

import time

from agent.host.output import emit
from agent.runs.finish import finish_commit
from agent.state import State
from agent.transaction.transaction import Transaction, holding
from agent.words.journal import Committed


def commit(state: State, deploy: str) -> bool:
    """Commit a deploy, or fall back. Returns whether it has committed, and is done with that.

    Raises Ended when this deploy does not hold the host any more.
    """
    with holding(state, deploy) as transaction:
        if not transaction.progress.committed and time.time() > transaction.progress.deadline:
            # Whoever asked for it may have given this host up by now, and have taken the others back.
            _fall_back(transaction, "the commit came too late")
            return False
        try:
            decide(transaction)
        except OSError as problem:
            if transaction.progress.committed:
                emit(f"the guard finishes it: {problem}")
                return False
            _fall_back(transaction, f"commit failed: {problem}")
            return False
        return True


def _fall_back(transaction: Transaction, reason: str) -> None:
    # What it takes to undo a deploy is loaded only here: it is a lot, and seldom needed.
    from agent.runs.ending import fall_back

    fall_back(transaction, reason)


def decide(transaction: Transaction) -> None:
    """Decide that the deploy has gone well. From the line in the journal on, it is only ever finished forward."""
    transaction.journal.append(Committed())
    finish_commit(transaction)
