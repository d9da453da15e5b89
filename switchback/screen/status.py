"""What is on a host, as lines for a person: a pure function of what was seen there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from agent.words.facts import HostFacts, Site
from agent.words.history import Cost, PastRun
from agent.words.seen import Version
from switchback.checks.notices import odd_notices
from switchback.plan.database_lines import count_of
from switchback.settings.model import Settings

HEADINGS = ("version", "links", "state", "code", "config", "age", "size")
# How many of the last runs are shown, and how much of how each ended.
RUNS = 5
SENTENCE = 150

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def status_lines(facts: HostFacts, settings: Settings) -> list[str]:
    """Describe a host: what is live and how it is, the open run if any, the versions, and the last runs."""
    lines = list(_now(facts))
    if facts.site is None:
        return lines
    versions, history = facts.site.versions, facts.site.history
    if versions:
        lines += ["", *table([HEADINGS, *map(_row, versions)])]
    lines += [
        f"why {version.name} failed: {version.evidence}, on the host, for root"
        for version in versions
        if version.failed and version.evidence
    ]
    lines += [f"why {version.name} can't start: {version.unable}" for version in versions if version.unable]
    lines += odd_notices(facts.site)
    if history:
        lines += ["", "last runs, the newest first", *table([_run(run) for run in reversed(history[-RUNS:])])]
    return [*lines, "", f"kept: {'; '.join(_kept(facts.site, settings))}"]


def _kept(site: Site, settings: Settings) -> Iterator[str]:
    """How much there is of what only grows, and the setting that bounds it."""
    kept = site.kept
    failed = sum(1 for version in site.versions if version.failed)
    yield f"{count_of(failed, 'failed version')} (keep_failed {settings.keep_failed})"
    bound = f"keep_backups {kept.keep_backups}" if kept.keep_backups else "all: set keep_backups to bound them"
    yield f"{count_of(kept.backups, 'backup')} of deploys, {size(kept.backup_bytes)} ({bound})"
    yield f"{count_of(kept.runs, 'journal')} of runs (keep_runs {settings.keep_runs})"
    yield f"{count_of(kept.history, 'line')} of history (keep_history {settings.keep_history})"


def _now(facts: HostFacts) -> Iterator[str]:
    if facts.site and facts.site.linked.current:
        problem = facts.site.health.problem
        yield f"{facts.site.linked.current} is live and {f'NOT healthy: {problem}' if problem else 'healthy'}"
    else:
        yield "no version is live"
    opened = facts.transaction
    if opened:
        yield "open: " + opened.says
        if not opened.outcome:
            yield "      without news from its controller, the host falls back by itself"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(version: Version) -> tuple[str, ...]:
    return (
        version.name,
        ", ".join(word.replace("_", "-") for word in version.links) or "-",
        state(version),
        _commit(version, "code"),
        _commit(version, "config"),
        age(version.age),
        size(version.bytes),
    )


def state(version: Version) -> str:
    """What is known of a version, in a word or a few."""
    if version.failed:
        word = f"failed at {version.failed.step}"
    elif version.working:
        word = "working"
    elif version.sealed:
        word = "built"
    else:
        word = "unfinished" if version.ours else "unknown"
    notes = (
        ("can't start", bool(version.unable)),
        ("by hand", not version.ours),
        ("pinned", version.pinned),
    )
    return ", ".join([word, *(note for note, holds in notes if holds)])


def _commit(version: Version, part: str) -> str:
    sha, ref = version.commit(part), version.refs.get(part)
    short = sha[:7] if sha else "-"
    return short if not ref or ref.startswith(short) else f"{ref} ({short})"


def age(seconds: float) -> str:
    """How long ago something was, in the largest unit that fits."""
    for unit, length in UNITS:
        number = int(seconds // length)
        if number > 0:
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "just now"


def size(number: int | None) -> str:
    """A size in megabytes; that of a version made by hand isn't known."""
    return "-" if number is None else f"{number / 1e6:.0f} MB"


def _cost(cost: Cost | None) -> str:
    """How long visitors were without the site, and how much of that was maintenance; empty where nobody looked."""
    if cost is None or cost.site is None:
        return ""
    on = f", maintenance {cost.maintenance:.1f} s" if cost.maintenance else ""
    return f"out {cost.site.outage * 1000:.0f} ms{on}; "


def _run(run: PastRun) -> tuple[str, ...]:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.ended))
    # Where the evidence is, has been said below the versions.
    sentence = run.sentence.partition("; evidence: ")[0].partition("\n")[0]
    if run.reason:
        # Why comes first: what the site was like afterwards is over by now.
        sentence = f"{run.outcome} at {run.step}: {run.reason}"
    sentence = f"{_cost(run.cost)}{sentence}"
    if len(sentence) > SENTENCE:
        sentence = sentence[: SENTENCE - 1] + "…"
    return (when, run.kind, run.by, sentence)
