"""How long each step usually takes, by the runs before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from agent.words.history import PastRun
from agent.words.outcomes import Outcome

# Of how many of the last runs that went well.
LAST = 10


def usual(history: Sequence[PastRun], kind: str) -> dict[str, float]:
    """The seconds of each step, in the middle of those that the last runs of its kind took for it.

    + history: the oldest first
    """
    steps: dict[str, list[float]] = {}
    well = [one.cost for one in history if one.outcome == Outcome.COMMITTED and one.kind == kind and one.cost]
    for cost in well[-LAST:]:
        for step, seconds in cost.steps.items():
            steps.setdefault(step, []).append(seconds)
    return {step: round(median(taken), 1) for step, taken in steps.items()}
