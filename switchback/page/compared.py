"""What was foreseen of a run, beside what has happened. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.notify.noticed import visitors
from agent.text.times import duration
from agent.words.history import BACK, DONE, FAILED, SKIPPED, Part, Record
from agent.words.outcomes import Outcome
from switchback.past.why import afterwards, undone
from switchback.plan.model import HostPreview
from switchback.preview.text import count_of

# How many migrations are named.
NAMED = 4
NOT_KNOWN = "not known before"


@dataclass(frozen=True)
class Compared:
    """One thing: what was foreseen of it, and what has become of it."""

    what: str
    foreseen: str
    happened: str


def compared(foreseen: HostPreview | None, record: Record) -> tuple[Compared, ...]:
    """What was foreseen on a host, beside what has happened there; what nothing is known of is left out.

    + foreseen: None where nobody knows it any more
    """
    seen = foreseen if foreseen and foreseen.looked_ahead else None
    return tuple(one for one in _all(seen, record) if one.foreseen or one.happened)


def _all(seen: HostPreview | None, record: Record) -> Iterator[Compared]:
    run, parts = record.run, {(part.name, part.phase == BACK): part for part in record.parts}
    goes = f"{run.was or 'no version'} → {(seen.version if seen else None) or run.version or 'a new version'}"
    yield Compared("live version", goes if seen else "", afterwards(run))
    yield Compared("migrations", _migrations(seen), _of_part(parts.get(("migrate", False)), "applied"))
    yield Compared("visitors", _window(seen), visitors(run.cost))
    restart = seen.service.restart if seen and seen.service else ""
    yield Compared("service", restart, _of_part(parts.get(("restart", False)), "restarted"))
    yield Compared("way back", _way_back(seen), _went_back(record))
    took = f"{duration(run.ended - run.began)}" if run.began and record.ended else ""
    yield Compared("time", "", took)


def _migrations(seen: HostPreview | None) -> str:
    if seen is None or seen.migrations is None:
        return ""
    labels = [one.label for one in seen.migrations.pending]
    if not labels:
        return "none to apply"
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return f"{count_of(len(labels), 'migration')}: {', '.join(labels[:NAMED])}{more}"


def _window(seen: HostPreview | None) -> str:
    if seen is None or seen.window is None:
        return ""
    word = {True: "the maintenance page", False: "no interruption", None: "maybe the maintenance page"}[
        seen.window.shown
    ]
    last = f"; the last one took {duration(seen.windows[0].seconds)}" if seen.windows and seen.window.shown else ""
    return f"{word}{f' ({seen.window.why})' if seen.window.why else ''}{last}"


def _of_part(part: Part | None, did: str) -> str:
    if part is None:
        return ""
    told = {
        DONE: f"{did} in {duration(part.seconds)}",
        FAILED: f"failed after {duration(part.seconds)}",
        SKIPPED: part.says,
    }
    return told.get(part.how, "did not end")


def _way_back(seen: HostPreview | None) -> str:
    if seen is None or seen.fallback is None:
        return ""
    way = {"none": "the database is not changed", "refused": "none"}.get(
        seen.fallback.way, f"database: {seen.fallback.way}"
    )
    return f"{way}{f' ({seen.fallback.why})' if seen.fallback.why else ''}"


def _went_back(record: Record) -> str:
    back = undone(record.parts)
    if back:
        return f"undone: {', '.join(back)}"
    return (
        "not needed" if record.run.outcome == Outcome.COMMITTED else "nothing had to be undone" if record.ended else ""
    )
