"""What happened in one run on one host, as lines: what went wrong first, what became of it, and the evidence."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from agent.notify.noticed import visitors
from agent.text.lines import cut as cut_saying_so
from agent.text.lines import first_line
from agent.text.times import duration
from agent.text.tracebacks import TRACEBACK, telling_line, telling_lines
from agent.words.history import BACK, FAILED, OPEN, SKIPPED, Evidence, Part, PastRun, Record, Text
from agent.words.outcomes import OVER, Outcome
from switchback.past.columns import INDENT, SCREEN, cut, table
from switchback.past.history import by, how_ended, what
from switchback.past.times import ago, when

# How much is shown of each text, lines, unless all is wanted; how many of them; and how long a line may be, characters.
LINES, TEXTS, LINE = 12, 5, 500
# What is asked for of each text, bytes: for a person, and where all is wanted.
SOME, ALL = 16 * 1024, 64 * 1024
# How many ids are named to who asks for a run that is not there.
NAMED = 12
# What of the way back only looks, or keeps what there is to see.
LOOKS = ("stop commands", "evidence", "health", "site", "watch", "mark", "schema")


class Unknown(Exception):
    """There is no such run, or there are several, and what to say of that."""


def choose(told: Mapping[str, Evidence], wanted: str) -> str:
    """The run that all hosts are to tell of. Pure. Raises Unknown.

    + told: what each host has answered, to the run that is wanted or to its own choice; wanted: empty for that
    """
    records = [one.record for one in told.values() if one.record]
    ids = {one.run.deploy for one in records}
    if not records or (wanted and len(ids) > 1):
        there = sorted({*ids, *(one for evidence in told.values() for one in evidence.runs)}, reverse=True)
        if not there:
            raise Unknown("there is no run yet")
        several = bool(wanted) and all(wanted in one for one in there)
        which = "there are several" if several else "there is none"
        more = [f"and {len(there) - NAMED} more"] if len(there) > NAMED else []
        raise Unknown("\n".join([f"--data deploy={wanted}: {which}:", *there[:NAMED], *more]))
    failed = [one for one in records if not one.ended or one.run.outcome != Outcome.COMMITTED]
    return max(failed or records, key=lambda one: one.run.began or 0.0).run.deploy


def why_lines(record: Record, show_all: bool) -> list[str]:
    """What happened in a run on a host: the verdict first."""
    run = record.run
    lines = [headline(record)]
    if telling := tells(run):
        lines.append(f"  {telling}")
    cells = [(name, cell) for name, cell in _about(record) if cell]
    lines += ["", *(f"  {line}" for line in table([("", ""), *cells], widest=10_000)[1:])]
    lines += [
        "",
        "  what happened (times are UTC)",
        *(f"    {line}" for line in _happened(record.parts, show_all, record.ended)),
    ]
    for text in record.texts if show_all else most_telling(record):
        lines += ["", *(f"  {line}" for line in _text(text, None if show_all else LINES))]
    rest = "" if show_all else "--data show=all shows the whole of each log that is kept; "
    page = f"; its page: {record.folder}/page.html" if record.page else ""
    return [*lines, "", f"  {rest}on the host, for root: {record.folder}{page}"]


def headline(record: Record) -> str:
    """What the run was, and how it has ended."""
    run = record.run
    about = " ".join(filter(None, [run.kind, what(run)]))
    if not record.ended:
        goes = "is falling back" if run.outcome == Outcome.FALLING_BACK else "goes on"
        return f"{about} {goes}, at step {run.step}" if run.step else f"{about}: {run.sentence}"
    at = f" at {run.step}" if run.step and run.outcome != Outcome.COMMITTED else ""
    return f"{about} {how_ended(run)}{at}"


def tells(run: PastRun) -> str:
    """The line that tells most of why it went wrong; empty where it did not."""
    return "" if run.outcome == Outcome.COMMITTED else run.why or first_line(run.reason or "")


def _about(record: Record) -> Iterator[tuple[str, str]]:
    run = record.run
    began = run.began or record.now
    took = f", took {duration(run.ended - began)}" if record.ended else ""
    yield "run", f"{run.deploy}, {when(began)} UTC, {ago(record.now - began)}{took}"
    yield "by", by(run)
    yield "hosts", ", ".join(record.hosts) if len(record.hosts) > 1 else ""
    yield "version", (run.version or "") + (f"; before: {run.was}" if run.was and run.was != run.version else "")
    yield "visitors", visitors(run.cost)
    yield "undone", ", ".join(undone(record.parts))
    yield "backup", run.backup or ""
    yield "then", afterwards(run)
    yield "next", "deploys/recover.py" if run.outcome == Outcome.NEEDS_A_PERSON else ""


def afterwards(run: PastRun) -> str:
    """What the site was like when it had ended."""
    says = first_line(run.sentence)
    if run.outcome not in OVER:
        return says
    # What is told beside it is left out.
    return says.partition("; evidence: ")[0].partition("; backup: ")[0].partition(": ")[2]


def undone(parts: Sequence[Part]) -> list[str]:
    """What of the run was taken back, by name."""
    back = [part for part in parts if part.phase == BACK and part.name not in LOOKS]
    return [f"{part.name}{' (FAILED)' if part.how == FAILED else ''}" for part in back if part.how != OPEN]


def _happened(parts: Sequence[Part], show_all: bool, ended: bool) -> list[str]:
    shown = [part for part in parts if show_all or part.how != SKIPPED]
    rows = [
        (
            time.strftime("%H:%M:%S", time.gmtime(part.since)),
            f"back: {part.name}" if part.phase == BACK else part.name,
            "" if part.how in (OPEN, SKIPPED) else duration(part.seconds),
            _how(part, ended),
        )
        for part in shown
    ]
    return table([("",) * 4, *rows], {3: 20}, SCREEN - INDENT - 4)[1:]


def _how(part: Part, ended: bool) -> str:
    says = first_line(part.says)
    if part.how == FAILED:
        return f"FAILED: {telling_line(part.says)}" if says else "FAILED"
    if part.how == OPEN:
        return "did not end" if ended else "goes on"
    return f"nothing to do: {says}" if part.how == SKIPPED else says


def most_telling(record: Record) -> list[Text]:
    """What shows best why a run failed: the output of the step that has failed, and what was kept of the app."""
    if record.ended and record.run.outcome == Outcome.COMMITTED:
        return []
    own = f"output/{record.run.step}.log"
    kept = [text for text in record.texts if text.name.startswith("evidence/") and text.end.strip()]
    # What was raised tells most. Two processes of one kind mostly say the same.
    kept.sort(key=lambda text: TRACEBACK not in text.end)
    once = {tuple(_end(text)): text for text in reversed(kept)}
    return [*(text for text in record.texts if text.name == own), *reversed(once.values())][:TEXTS]


def _end(text: Text) -> list[str]:
    """The end of a text, less what differs between two that say the same."""
    return telling_lines(text.end)[-LINES:]


def _text(text: Text, most: int | None) -> list[str]:
    lines = telling_lines(text.end)
    shown = lines if most is None else lines[-most:]
    part = "" if not text.cut and len(shown) == len(lines) else f", its last {len(shown)} lines"
    return [f"{text.name}{part} ({text.bytes} bytes)", *(f"  {cut_saying_so(line, LINE)}" for line in shown)]


def others(host: str, evidence: Evidence, deploy: str) -> str:
    """What to say of a host that has nothing to tell of the run."""
    last = f"; its last run is {evidence.runs[0]}" if evidence.runs else ""
    return cut(f"{host} took no part in {deploy}, or has forgotten it{last}", SCREEN)
