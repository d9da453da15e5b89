"""The history of a host: a line for each run that has ended, the oldest first; and the record of one run."""

# No `from __future__ import annotations`: see shapes.

import json
from dataclasses import field
from typing import Optional

from agent.inside.lean import dataclass
from agent.words.journal import Commit
from agent.words.notes import Asked, Out
from agent.words.outcomes import Outcome
from agent.words.shapes import Unreadable, read

# How a part of a run has ended; and the phase of what takes back.
DONE, SKIPPED, FAILED, OPEN = "done", "skipped", "failed", "open"
BACK = "back"


@dataclass(frozen=True)
class Cost:
    """What a run has cost.

    + site, app: what visitors noticed of each; None where nobody asked
    + pieces: in how many pieces they were asked, between which nobody looked
    + maintenance: how long that was on, seconds; still: whether it has not ended
    + never: that it was not turned on; unseen: that its script has shut nobody out; unsure: that nobody has seen it on
    + before: what visitors got before it began, where that was no site
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
    before: str = ""
    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PastRun:
    """How a run has ended.

    + by: who ran it, as they call themselves; login: where from, as whom, where that is known besides
    + began, ended: when, seconds since the epoch
    + version: where it went; was: what was live before it
    + step: the one that has failed, or during which it ended; reason: why it was taken back; why: the line
      that tells most of that; stopped: whether that was a person's doing who ran it
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
    stopped: bool = False
    sentence: str = ""
    cost: Optional[Cost] = None


@dataclass(frozen=True)
class Span:
    """A time: from when, to when, seconds since the epoch."""

    since: float
    until: float


@dataclass(frozen=True)
class Part:
    """A step, or what was undone, as it went.

    + phase: build, switch or after; back for what was undone
    + since: when it began, seconds since the epoch; seconds: how long it took
    + how: done, skipped, failed, or open where it has not ended, or was cut off
    + says: why it had nothing to do, what was done, or why it failed
    """

    name: str
    phase: str
    since: float
    seconds: float
    how: str
    says: str = ""


@dataclass(frozen=True)
class Text:
    """What is kept of a run in a file of its own.

    + name: below the run's folder; bytes: how long it is
    + end: the end of it, as far as it was asked for, without secrets; cut: whether there is more before that
    """

    name: str
    bytes: int
    end: str
    cut: bool = False


@dataclass(frozen=True)
class Record:
    """A run on one host, as its folder has it.

    + run: how it has ended, or is so far; ended: whether it has
    + hosts: all that took part; primary: whether this one migrates and backs up
    + now: the host's clock, seconds since the epoch; state: what the site was like then, and the rest of its ending
    + parts: what was done, the oldest first; shut: when the maintenance page was on
    + asked: when somebody asked what visitors get; site, app: when each was out then
    + story: a line for each thing that has happened; texts: what steps have printed, and the evidence
    + folder: where all of it is, for root; page: whether its page is there, made since it has ended
    """

    run: PastRun
    ended: bool
    now: float
    folder: str
    hosts: tuple[str, ...] = ()
    primary: bool = True
    parts: tuple[Part, ...] = ()
    shut: tuple[Span, ...] = ()
    asked: tuple[Span, ...] = ()
    site: tuple[Out, ...] = ()
    app: tuple[Out, ...] = ()
    story: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()
    page: bool = False


@dataclass(frozen=True)
class Evidence:
    """What a host tells of one of its runs.

    + record: that run's; None where there is none, or more than one that it could be
    + runs: the ids that there are, or that it could be, the newest first
    """

    record: Optional[Record]
    runs: tuple[str, ...] = ()


def read_run(line: str) -> Optional[PastRun]:
    """A run from its line; None where it can't be read."""
    try:
        return read(PastRun, json.loads(line), "history")
    except (ValueError, Unreadable):
        return None
