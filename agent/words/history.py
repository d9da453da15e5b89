"""The history of a host: a line for each run that has ended, the oldest first."""

# No `from __future__ import annotations`: see shapes.

import json
from dataclasses import field
from typing import Optional

from agent.inside.lean import dataclass
from agent.words.journal import Commit
from agent.words.notes import Asked
from agent.words.outcomes import Outcome
from agent.words.shapes import Unreadable, read


@dataclass(frozen=True)
class Cost:
    """What a run has cost.

    + site, app: what visitors noticed of each; None where nobody asked
    + pieces: in how many pieces they were asked, between which nobody looked
    + maintenance: how long that was on, seconds; still: whether it has not ended
    + never: that it was not turned on; unseen: that its script has shut nobody out; unsure: that nobody has seen it on
    + steps: the seconds of each step
    """

    site: Optional[Asked] = None
    app: Optional[Asked] = None
    pieces: int = 0
    maintenance: float = 0.0
    still: bool = False
    never: bool = False
    unseen: bool = False
    unsure: bool = False
    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PastRun:
    """How a run has ended.

    + by: who ran it, as they call themselves; login: where from, as whom, where that is known besides
    + began, ended: when, seconds since the epoch
    + version: where it went; was: what was live before it
    + step: the one that has failed, or during which it ended; reason: why it was taken back; why: the line
      that tells most of that
    + code, config: the commits that it has built the version of, if it has
    + backup: the one that it has made
    """

    deploy: str
    outcome: Outcome
    kind: str = "deploy"
    by: str = ""
    login: str = ""
    began: Optional[float] = None
    ended: float = 0.0
    version: Optional[str] = None
    was: Optional[str] = None
    code: Optional[Commit] = None
    config: Optional[Commit] = None
    step: Optional[str] = None
    reason: Optional[str] = None
    why: str = ""
    backup: Optional[str] = None
    sentence: str = ""
    cost: Optional[Cost] = None


def read_run(line: str) -> Optional[PastRun]:
    """A run from its line; None where it can't be read."""
    try:
        return read(PastRun, json.loads(line), "history")
    except (ValueError, Unreadable):
        return None
