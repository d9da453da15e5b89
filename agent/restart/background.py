"""What goes on beside the steps of a deploy, over the agent's calls: the trial start, and the Django that migrates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agent.host.command import Started, said_since
from agent.host.files import put
from agent.host.output import emit
from agent.host.processes import group_runs, stop_groups
from agent.host.reading import end_of
from agent.text.masking import masked_urls
from agent.transaction.transaction import Transaction
from agent.words.journal import Beside, CommandStarted

# What the trial start is called in the journal, by older agents as well, and its log.
TRIAL_START = "rehearsal"
# How much of that is kept, bytes from its end.
KEPT = 1_000_000


def end(transaction: Transaction) -> None:
    """End what still goes on; a second time does nothing."""
    keep_words(transaction)
    stop_groups(still_running(transaction.progress.beside))


def keep_words(transaction: Transaction) -> None:
    """Keep what a trial start has said, as long as it runs: that goes with it."""
    one, log = transaction.progress.begun_beside(TRIAL_START), transaction.output(TRIAL_START)
    said = words_of(one.pid) if one and still_running([one]) else ""
    if said or log.exists():
        keep(log, said)


def still_running(written: Iterable[CommandStarted | Beside]) -> list[int]:
    """The processes that the journal's lines name and that still run, they or their children, by their ids.

    Ids are given out again, so the start time has to match.
    """
    return [one.pid for one in written if group_runs(one.pid, one.started)]


def words_of(pid: int, own: Started | None = None) -> str:
    """What a process has said, from the memory that takes it; empty where that is something else by now.

    + own: where this call has started it, which holds that
    """
    if own:
        return said_since(own.out.fileno(), 0)[-KEPT:]
    try:
        return end_of(Path(f"/proc/{pid}/fd/1"), KEPT)
    except OSError:
        return ""


def kept(log: Path) -> str:
    """What was kept of it."""
    try:
        return end_of(log, KEPT)
    except OSError:
        return ""


def keep(log: Path, said: str) -> None:
    """Keep what a trial start has said, without what nobody is to read; what was kept before, where it says nothing."""
    try:
        put(log, masked_urls(said[-KEPT:] or kept(log)).encode(errors="replace"))
    except OSError as error:
        # It has gone well, or the reason is told already.
        emit(f"{log} can't be written: {error}")
