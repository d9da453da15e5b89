"""Who deployed what when, and how it ended, on all hosts: a row for each run where they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.text.lines import first_line
from agent.text.times import duration
from agent.words.facts import Past
from agent.words.history import PastRun
from agent.words.journal import Commit
from agent.words.outcomes import Outcome
from switchback.past.columns import INDENT, SCREEN, cut, table
from switchback.past.times import when
from switchback.runs.run import login

HEADINGS = ("when (UTC)", "run", "id", "what", "by", "took", "out", "ended", "where")
# The columns that are cut where there is no room, and what stays of each, characters.
LEAST = {3: 14, 4: 10, 8: 6}
VERSION = re.compile(r"django-\d{8}-\d{6}-([0-9a-f]{7}(?:-[0-9a-f]{7})?)")
HOW_TO_SEE = "what happened in one: deploys/why.py --data deploy=ID"


@dataclass(frozen=True)
class Row:
    """A run, as it has ended on some hosts.

    + run: as the first of them tells it; took, out: the longest of them, seconds; hosts: their names
    """

    run: PastRun
    took: float | None
    out: float | None
    hosts: tuple[str, ...]


def rows(told: Mapping[str, Past]) -> list[Row]:
    """The runs of all hosts, the newest first. Pure.

    + told: what each host has told
    """
    found: dict[tuple[str, ...], list[tuple[str, PastRun]]] = {}
    for host, past in told.items():
        # One that needed a person has two lines: what became of it in the end counts.
        for run in {one.deploy: one for one in past.runs}.values():
            found.setdefault((run.deploy, run.outcome, run.step or ""), []).append((host, run))
    made = [_row(same) for same in found.values()]
    return sorted(made, key=lambda row: (row.run.began or row.run.ended, row.run.deploy), reverse=True)


def _row(same: Sequence[tuple[str, PastRun]]) -> Row:
    runs = [run for _, run in same]
    took = [run.ended - run.began for run in runs if run.began]
    out = [run.cost.site.outage for run in runs if run.cost and run.cost.site]
    return Row(runs[0], max(took, default=None), max(out, default=None), tuple(host for host, _ in same))


def history_lines(told: Mapping[str, Past], most: int) -> list[str]:
    """The last runs of all hosts, as lines.

    + most: how many of them
    """
    found = rows(told)[:most]
    if not found:
        return ["no run has ended yet"]
    kept = max(past.kept for past in told.values())
    cells = table([HEADINGS, *(_cells(row, told) for row in found)], LEAST)
    lines = [f"the last {len(found)} of {kept} runs that are kept, the newest first", cells[0]]
    for row, line in zip(found, cells[1:], strict=True):
        lines += [line, *why_not(row.run)]
    return [*lines, HOW_TO_SEE]


def how_ended(run: PastRun) -> str:
    """How a run has ended, in a word or a few: that a person has stopped it is no refusal."""
    if not run.stopped or run.outcome not in (Outcome.REFUSED, Outcome.FELL_BACK):
        return str(run.outcome)
    whose = "you" if (run.login or run.by) == login() else run.by
    return f"stopped by {whose}" + (f", {run.outcome}" if run.outcome == Outcome.FELL_BACK else "")


def why_not(run: PastRun) -> Iterator[str]:
    """Why a run has not committed, in a line."""
    if run.outcome != Outcome.COMMITTED:
        at = f"at {run.step}: " if run.step else ""
        says = run.why or first_line(run.reason or run.sentence.partition("; evidence: ")[0])
        yield cut(f"  {at}{says}", SCREEN - INDENT)


def _cells(row: Row, told: Mapping[str, Past]) -> tuple[str, ...]:
    run = row.run
    return (
        when(run.began or run.ended),
        run.kind,
        run.deploy.rpartition("-")[2],
        what(run),
        by(run),
        "" if row.took is None else duration(row.took),
        "" if row.out is None else duration(row.out),
        how_ended(run),
        "" if len(row.hosts) == len(told) else ", ".join(row.hosts),
    )


def what(run: PastRun) -> str:
    """What a run was about: the commits that it has built, or those of the version that it went to."""
    if run.code:
        return _commit(run.code) + (f", config {_commit(run.config)}" if run.config else "")
    if not run.version:
        return ""
    commits = VERSION.fullmatch(run.version)
    return commits.group(1) if commits else run.version


def _commit(one: Commit) -> str:
    short = one.sha[:7]
    return short if one.ref.startswith(short) else f"{one.ref} ({short})"


def by(run: PastRun) -> str:
    """Who ran it, and where from."""
    return f"{run.by} ({run.login})" if run.login and run.login != run.by else run.by
