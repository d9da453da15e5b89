"""What goes on beside the steps of a deploy, over the agent's calls: the trial start, and the Django that migrates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

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
    stop_groups(still_running(transaction.progress.beside))
    hide_secrets(transaction.output(TRIAL_START))


def still_running(written: Iterable[CommandStarted | Beside]) -> list[int]:
    """The processes that the journal's lines name and that still run, they or their children, by their ids.

    Ids are given out again, so the start time has to match.
    """
    return [one.pid for one in written if group_runs(one.pid, one.started)]


def hide_secrets(log: Path) -> None:
    """Take out of a trial start's log, if there is one, what nobody is to read; nobody writes to it any more."""
    try:
        log.write_text(masked_urls(end_of(log, KEPT)))
    except FileNotFoundError:
        return
    except OSError as error:
        # It has gone well, or the reason is told already.
        emit(f"{log} can't be written: {error}")
