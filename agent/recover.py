"""Getting a host out of an outcome that needs a person: the story of what happened, and another try at the way back."""

from __future__ import annotations

import collections
import time

from agent.ending import fall_back
from agent.journal import Record
from agent.say import say
from agent.transaction import Refused, Transaction, describe_holder


def recover(transaction: Transaction) -> bool:
    """Tell what happened, finish the fallback, and free the host. Returns whether it is well now."""
    for line in tell(transaction.journal.records()):
        say(line)
    with transaction.alone():
        progress = transaction.progress
        if progress.outcome is None and not progress.falling_back and time.time() < progress.deadline:
            raise Refused("a deploy is still running: " + describe_holder(transaction.state, transaction.deploy))
        if progress.outcome not in (None, "needs a person"):
            return True
        return fall_back(transaction, "a person asked to recover", settled=True) != "needs a person"


def tell(records: list[Record]) -> list[str]:
    """A journal as a story: a line for each thing that happened."""
    lines = []
    for record in records:
        text = _sentence(record)
        if text:
            lines.append(time.strftime("%H:%M:%S ", time.gmtime(record["at"])) + text)
    return lines


# How each kind of line reads; what is not here is bookkeeping.
SENTENCES = {
    "begin": "{kind} {deploy} of {version} by {by}",
    "step done": "{step}: done in {seconds} s",
    "step failed": "{step}: FAILED: {reason}",
    "step interrupted": "{step}: {reason}",
    "fallback": "falling back: {reason}",
    "undo done": "undone: {action}",
    "undo failed": "could not undo {action}: {problem}",
    "committed": "committed",
    "ended": "{sentence}",
}


def _sentence(record: Record) -> str:
    return SENTENCES.get(record["event"], "").format_map(collections.defaultdict(lambda: "?", record))
