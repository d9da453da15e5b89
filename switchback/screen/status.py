"""What is on a host, as lines for a person: a pure function of what was seen there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from agent.words.seen import Version
from switchback.settings.model import Settings

Facts = dict[str, Any]

HEADINGS = ("version", "links", "state", "code", "config", "age", "size")
# How many of the last runs are shown, and how much of how each ended.
RUNS = 5
SENTENCE = 150

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def status_lines(facts: Facts, settings: Settings) -> list[str]:
    """Describe a host: what is live and how it is, the open run if any, the versions, and the last runs.

    + facts: what `Survey` saw
    """
    lines = list(_now(facts))
    if facts.get("versions"):
        lines += ["", *table([HEADINGS, *(_row(version) for version in facts["versions"])])]
        lines += [
            f"why {version.name} failed: {version.evidence}, on the host, for root"
            for version in facts["versions"]
            if version.failed and version.evidence
        ]
    lines += [
        f"why {version.name} can't start: {version.unable}" for version in facts.get("versions", ()) if version.unable
    ]
    if facts["history"]:
        lines += ["", "last runs, the newest first"]
        lines += table([_run(line) for line in reversed(facts["history"][-RUNS:])])
    if facts.get("kept"):
        lines += ["", f"kept: {'; '.join(_kept(facts, settings))}"]
    return lines


def _kept(facts: Facts, settings: Settings) -> Iterator[str]:
    """How much there is of what only grows, and the setting that bounds it."""
    kept = facts["kept"]
    failed = sum(1 for version in facts.get("versions", ()) if version.failed)
    yield f"{failed} failed versions (keep_failed {settings.keep_failed})"
    bound = f"keep_backups {kept['keep_backups']}" if kept["keep_backups"] else "all: set keep_backups to bound them"
    yield f"{kept['backups']} backups of deploys, {size(kept['backup_bytes'])} ({bound})"
    yield f"{kept['runs']} runs' journals (keep_runs {settings.keep_runs})"
    yield f"{kept['history']} lines of history (keep_history {settings.keep_history})"


def _now(facts: Facts) -> Iterator[str]:
    current = facts.get("linked", {}).get("current")
    if current:
        health = facts["healthy"]
        yield f"{current} is live " + ("and healthy" if health["healthy"] else f"and NOT healthy: {health['problem']}")
    else:
        yield "no version is live"
    opened = facts["transaction"]
    if opened:
        yield "open: " + opened["says"]
        if not opened["outcome"]:
            yield f"      {_patience(opened['deadline'] - facts['now'])}"


def _patience(seconds: float) -> str:
    if seconds <= 0:
        return "its time is over: the host's guard takes it back"
    return f"without news from its controller, the host falls back by itself in {seconds:.0f} s"


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


def _cost(cost: Facts) -> str:
    """How long visitors were without the site, and how much of that was maintenance; empty where nobody looked."""
    if "site" not in cost:
        return ""
    on = f", maintenance {cost['maintenance']:.1f} s" if cost.get("maintenance") else ""
    return f"out {cost['site']['outage'] * 1000:.0f} ms{on}; "


def _run(line: Facts) -> tuple[str, ...]:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(line["ended"]))
    # Where the evidence is, has been said below the versions.
    sentence = str(line["sentence"]).partition("; evidence: ")[0].partition("\n")[0]
    if line.get("reason"):
        # Why comes first: what the site was like afterwards is over by now.
        sentence = f"{line['outcome']} at {line['step']}: {line['reason']}"
    sentence = f"{_cost(line.get('cost') or {})}{sentence}"
    if len(sentence) > SENTENCE:
        sentence = sentence[: SENTENCE - 1] + "…"
    return (when, str(line["kind"]), str(line["by"]), sentence)
