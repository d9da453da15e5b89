"""What was done when, on one axis for all hosts, in thousandths of its length: what a page draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.text.lines import first_line
from agent.text.times import duration
from agent.text.tracebacks import telling_line
from agent.words.history import FAILED, OPEN, SKIPPED, Part, Record, Span
from agent.words.notes import Out

# How long the axis is, in what everything on it is measured; and how short nothing is drawn.
LENGTH, LEAST = 1000.0, 3.0
# How far the marks of the axis may be apart, seconds, and how many there are at the most.
STEPS, MARKS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400), 6
# How many of the failed requests are drawn one by one.
TICKS = 200
# What is shorter beside a maintenance page is that page as it comes and goes, seconds.
SHORTEST = 0.12


@dataclass(frozen=True)
class Bar:
    """A time on the axis, and what it is, for who points at it."""

    x: float
    width: float
    says: str = ""


@dataclass(frozen=True)
class Row:
    """What was done in a step.

    + kind: its phase, or failed or open; took: in words; says: what else there is to say
    """

    name: str
    kind: str
    bar: Bar
    took: str
    says: str


@dataclass(frozen=True)
class Mark:
    """A mark of the axis: where, and how long after the beginning."""

    x: float
    label: str


@dataclass(frozen=True)
class Lane:
    """What was done on one host.

    + asked: when somebody asked what visitors get; lost: when their requests failed, which was no maintenance page
    + shut: when there was that page; app: when the app itself did not answer; idle: the steps that had nothing to do
    """

    rows: tuple[Row, ...]
    asked: tuple[Bar, ...]
    lost: tuple[Bar, ...]
    shut: tuple[Bar, ...]
    app: tuple[Bar, ...]
    idle: tuple[str, ...]


@dataclass(frozen=True)
class Axis:
    """From when to when all of it was, seconds since the epoch."""

    since: float
    until: float

    def bar(self, since: float, until: float, says: str = "") -> Bar:
        """A time as it is drawn: within the axis, and wide enough to be seen."""
        begin, end = (min(max(at - self.since, 0.0), self.seconds) for at in (since, until))
        width = max(LENGTH * (end - begin) / self.seconds, LEAST)
        return Bar(round(min(LENGTH * begin / self.seconds, LENGTH - width), 1), round(width, 1), says)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(self.until - self.since, 0.5)

    def marks(self) -> tuple[Mark, ...]:
        """Its marks, as many as can be read."""
        step = next((one for one in STEPS if self.seconds / one <= MARKS), STEPS[-1])
        times = range(int(self.seconds // step) + 1)
        return tuple(Mark(round(LENGTH * step * one / self.seconds, 1), _label(step * one)) for one in times)


def _label(seconds: float) -> str:
    return duration(seconds) if seconds % 1 else duration(seconds).replace(".0 s", " s")


def axis_of(records: Iterable[Record]) -> Axis:
    """The axis on which all that hosts tell of has room."""
    times = [time for record in records for time in _times(record)]
    return Axis(min(times, default=0.0), max(times, default=1.0))


def _times(record: Record) -> Iterable[float]:
    yield from (one for one in (record.run.began, record.run.ended) if one)
    for part in record.parts:
        yield part.since
        yield part.since + part.seconds


def lane_of(record: Record, axis: Axis) -> Lane:
    """What was done on a host, as it is drawn."""
    shown = [part for part in record.parts if part.how != SKIPPED]
    return Lane(
        rows=tuple(_row(part, axis, record) for part in shown),
        asked=_bars(axis, record.asked),
        lost=tuple(_out(axis, one) for one in _but_for(record.site, record.shut)[:TICKS]),
        shut=_bars(axis, record.shut),
        app=tuple(_out(axis, one) for one in record.app[:TICKS]),
        idle=tuple(f"{part.name}: {first_line(part.says)}" for part in record.parts if part.how == SKIPPED),
    )


def _bars(axis: Axis, spans: Sequence[Span]) -> tuple[Bar, ...]:
    return tuple(axis.bar(one.since, one.until) for one in spans)


def _but_for(out: Sequence[Out], shut: Sequence[Span]) -> list[Out]:
    """When the site was out, but for the times at which there was a maintenance page."""
    found = list(out)
    for page in shut:
        left = [
            replace(one, since=since, until=until)
            for one in found
            for since, until in (
                (one.since, min(one.until, page.since)),
                (max(one.since, page.until), one.until),
            )
            if until - since >= SHORTEST
        ]
        found = left
    return found


def _out(axis: Axis, one: Out) -> Bar:
    return axis.bar(one.since, one.until, f"no answer, or a wrong one, for {duration(one.until - one.since)}")


KINDS: Mapping[str, str] = {FAILED: "failed", OPEN: "open"}


def _row(part: Part, axis: Axis, record: Record) -> Row:
    until = part.since + part.seconds if part.how != OPEN else record.run.ended
    took = "did not end" if part.how == OPEN and record.ended else "" if part.how == OPEN else duration(part.seconds)
    says = telling_line(part.says) if part.how == FAILED else first_line(part.says)
    return Row(part.name, KINDS.get(part.how, part.phase), axis.bar(part.since, until), took, says)
