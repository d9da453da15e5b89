"""A run as its page shows it: the verdict, then each host, then what is folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import escape

from agent.notify.noticed import visitors
from agent.text.times import duration
from agent.words.history import Cost, Evidence, PastRun, Record, Text
from agent.words.outcomes import Outcome
from switchback.page.compared import Compared, compared
from switchback.page.timeline import Axis, Lane, Mark, axis_of, lane_of
from switchback.past.history import by, what
from switchback.past.times import when
from switchback.past.why import afterwards, most_telling, tells
from switchback.plan.model import HostPreview, Preview

# How much of all logs has room in a page, as it stands there, characters.
ROOM = 2_000_000
# How good an ending is, for the eye.
TONES = {
    Outcome.COMMITTED: "good",
    Outcome.REFUSED: "calm",
    Outcome.FELL_BACK: "bad",
    Outcome.NEEDS_A_PERSON: "worst",
}
WORDS = {
    Outcome.COMMITTED: "is live and healthy",
    Outcome.REFUSED: "was refused: the live site was never touched",
    Outcome.FELL_BACK: "fell back",
    Outcome.NEEDS_A_PERSON: "needs a person",
    Outcome.FALLING_BACK: "is falling back",
    Outcome.UNKNOWN: "has not been heard to end",
}


@dataclass(frozen=True)
class Told:
    """What is known of a run.

    + evidence: what each host that took part has told; None for one that has told nothing
    + preview: what was foreseen, where that is known still; lines: the same as it was shown
    """

    deploy: str
    evidence: Mapping[str, Evidence | None]
    preview: Preview | None = None
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Log:
    """What is kept in a file: its name, how long it is in words, its end; and whether it is shown at once."""

    name: str
    size: str
    end: str
    is_open: bool


@dataclass(frozen=True)
class OnHost:
    """A run on one host.

    + tone: how good its ending is; ending: in words; after: what the site was like then
    """

    name: str
    tone: str
    ending: str
    after: str
    visitors: str
    version: str
    was: str
    backup: str
    lane: Lane
    compared: tuple[Compared, ...]
    logs: tuple[Log, ...]
    story: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class View:
    """A page.

    + head: what the run was about; verdict: how it has ended; telling: the line that matters
    + silent: the hosts that have told nothing; foreseen: whether it is known what was
    """

    deploy: str
    tone: str
    head: str
    verdict: str
    telling: str
    who: str
    began: str
    took: str
    visitors: str
    hosts: tuple[OnHost, ...]
    silent: tuple[str, ...]
    marks: tuple[Mark, ...]
    foreseen: bool
    lines: tuple[str, ...]
    made: str


def view_of(told: Told, now: float) -> View:
    """A run as its page shows it.

    + now: seconds since the epoch
    """
    records = {name: one.record for name, one in told.evidence.items() if one and one.record}
    axis, previews = axis_of(records.values()), {one.host: one for one in told.preview.hosts} if told.preview else {}
    room = ROOM // max(1, len(records))
    hosts = tuple(_on_host(name, record, axis, previews.get(name), room) for name, record in records.items())
    worst = _worst(list(records.values()))
    run = worst.run if worst else PastRun(told.deploy, Outcome.UNKNOWN)
    noticed = max((one.run.cost for one in records.values() if one.run.cost), key=_out, default=None)
    return View(
        deploy=told.deploy,
        tone=TONES.get(run.outcome, "calm"),
        head=" ".join(filter(None, [run.kind, what(run)])),
        verdict=_verdict(run),
        telling=tells(run),
        who=by(run),
        began=f"{when(run.began)} UTC" if run.began else "",
        took=duration(run.ended - run.began) if run.began and worst and worst.ended else "",
        visitors=visitors(noticed),
        hosts=hosts,
        silent=tuple(name for name in told.evidence if name not in records),
        marks=axis.marks(),
        foreseen=any(one.looked_ahead for one in previews.values()),
        lines=tuple(told.lines),
        made=f"{when(now)} UTC",
    )


def _worst(records: Sequence[Record]) -> Record | None:
    return max(records, key=lambda one: (list(Outcome).index(one.run.outcome), bool(tells(one.run))), default=None)


def _out(cost: Cost) -> float:
    return cost.site.outage if cost.site else -1.0


def _verdict(run: PastRun) -> str:
    at = f" at {run.step}" if run.step and run.outcome in (Outcome.FELL_BACK, Outcome.NEEDS_A_PERSON) else ""
    if run.outcome == Outcome.COMMITTED and run.kind in ("build", "restart"):
        return {"build": "is built", "restart": "is done, and the site is healthy"}[run.kind]
    return WORDS[run.outcome] + at


def _on_host(name: str, record: Record, axis: Axis, preview: HostPreview | None, room: int) -> OnHost:
    run = record.run
    return OnHost(
        name=name,
        tone=TONES.get(run.outcome, "calm"),
        ending=_verdict(run),
        after=afterwards(run),
        visitors=visitors(run.cost),
        version=run.version or "",
        was=run.was or "",
        backup=run.backup or "",
        lane=lane_of(record, axis),
        compared=compared(preview, record),
        logs=_logs(record, room),
        story=record.story,
        folder=record.folder,
    )


def _logs(record: Record, room: int) -> tuple[Log, ...]:
    """What is kept in files, what tells most first and open, as far as there is room."""
    telling = [text.name for text in most_telling(record)]
    found = []
    for text in sorted(
        record.texts, key=lambda one: (one.name not in telling[:1], not one.name.startswith("evidence/"))
    ):
        room -= len(escape(text.end))
        end = text.end if room >= 0 else "left out: there is no room for more in this page"
        found.append(Log(text.name, _size(text), end, text.name in telling[:1]))
    return tuple(found)


def _size(text: Text) -> str:
    size = f"{text.bytes / 1000:.1f} kB" if text.bytes >= 1000 else f"{text.bytes} bytes"
    return f"the end of {size}" if text.cut else size
