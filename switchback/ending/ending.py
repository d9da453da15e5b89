"""How a run has ended on one host, made of what its agent has told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from agent.words.history import Cost
from agent.words.outcomes import Outcome
from agent.words.result import Result

# Such a host has not told, or not yet, how it ends.
UNHEARD = (Outcome.UNKNOWN, Outcome.FALLING_BACK)


@dataclass(frozen=True)
class Ending:
    """How a run has ended on one host.

    + sentence: how it has ended, and what the site is like now; state: the latter alone, less what is told beside it
    + reason: what went wrong, with the output that goes with it; undone: what was taken back, by name
    + step: the one at which it ended
    + warnings, told: what else is to be read: warnings, what was decided and waited for
    + cost: what the run has cost; seconds: how long it took; backup: the one that it has made
    + evidence: whether the host keeps what shows why
    + stopped: whether a person at the controller has ended the run; followed: whether only another host has failed
    """

    host: str
    outcome: Outcome
    sentence: str
    state: str = ""
    reason: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    step: str = ""
    warnings: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    cost: Cost | None = None
    seconds: float = 0.0
    backup: str | None = None
    evidence: bool = False
    stopped: bool = False
    followed: bool = False


def ending(host: str, heard: Sequence[Result]) -> Ending:
    """How a run ended on a host.

    + heard: how the calls of the agent there have ended, oldest first
    """
    last = next((one for one in reversed(heard) if one.outcome), None)
    if last is None or last.outcome is None:
        says = f"no word from the host ({time.strftime('%H:%M:%S')}): it falls back by itself"
        return Ending(host, Outcome.UNKNOWN, says, says)
    return Ending(
        host,
        last.outcome,
        last.sentence,
        # A run that was refused before it had begun has no more than its sentence, and an older agent tells no more.
        last.state or ("" if last.outcome == Outcome.COMMITTED else last.sentence),
        last.reason,
        last.undone,
        last.failed or "",
        last.warnings,
        last.told,
        last.spent,
        last.seconds,
        last.backup,
        last.evidence,
        last.interrupted,
        last.followed,
    )
