"""What the trial start says, which goes on beside the steps: kept once it ends, without what nobody is to read."""

from __future__ import annotations

from pathlib import Path

from agent.host.command import said_since
from agent.host.files import put
from agent.host.output import emit
from agent.text.masking import masked_urls
from agent.transaction.transaction import Transaction

# What it is called, in the folder with the output of steps as well.
TRIAL_START = "rehearsal"
# How much of what it says is kept, bytes from its end.
KEPT = 1_000_000


def keep_words(transaction: Transaction) -> None:
    """Keep what a trial start has said, if there was one: the memory that takes it goes with the run."""
    one = transaction.kept.get(TRIAL_START)
    if one:
        keep(transaction.output(TRIAL_START), words_of(one.files[0]))


def words_of(memory: int) -> str:
    """What it has said, from the memory that takes it."""
    return said_since(memory, 0)[-KEPT:]


def keep(log: Path, said: str) -> None:
    """Keep it in a log."""
    try:
        put(log, masked_urls(said).encode(errors="replace"))
    except OSError as error:
        # It has gone well, or the reason is told already.
        emit(f"{log} can't be written: {error}")
