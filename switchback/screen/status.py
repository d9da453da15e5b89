"""What is on a host, as lines for a person: a pure function of what was seen there."""

from __future__ import annotations

from collections.abc import Iterator

from agent.text.lines import first_line
from agent.text.times import duration
from agent.words.facts import HostFacts, Site
from agent.words.history import PastRun
from agent.words.outcomes import Outcome
from agent.words.seen import Version
from switchback.checks.notices import notify_notices, odd_notices
from switchback.past.columns import table
from switchback.past.history import by, how_ended, what
from switchback.past.times import age, ago, when
from switchback.preview.text import count_of
from switchback.settings.model import Settings

HEADINGS = ("version", "links and state", "code, config", "age", "size")
OF_RUNS = ("when (UTC)", "run", "what", "by", "ended")
# How many of the last runs are shown.
RUNS = 5
# The columns that are cut where there is no room, and what stays of each, characters.
LEAST, LEAST_OF_RUNS = {2: 6}, {2: 12, 3: 10, 4: 16}


def status_lines(facts: HostFacts, settings: Settings) -> list[str]:
    """Describe a host: what is live and how it is, the open run if any, the versions, and the last runs."""
    lines = list(_now(facts))
    if facts.site is None:
        return lines
    versions, history = facts.site.versions, facts.site.history
    if versions:
        lines += ["", *table([HEADINGS, *map(_row, versions)], LEAST)]
    lines += [
        f"why {version.name} failed: deploys/why.py --data deploy={version.failed.deploy}"
        for version in versions
        if version.failed and version.failed.deploy
    ]
    lines += [f"why {version.name} can't start: {version.unable}" for version in versions if version.unable]
    lines += [*odd_notices(facts.site), *notify_notices(facts.site, settings)]
    if history:
        last = [OF_RUNS, *(_run(run, facts.now) for run in reversed(history[-RUNS:]))]
        lines += ["", "last runs, the newest first (deploys/history.py has more)", *table(last, LEAST_OF_RUNS)]
    return [*lines, "", *(f"kept: {one}" for one in _kept(facts.site, settings))]


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


def _row(version: Version) -> tuple[str, ...]:
    links, known = [word.replace("_", "-") for word in version.links], state(version)
    # That it works is said by the link that is called so.
    if not any("working" in word for word in links) or known != "working":
        links.append(known)
    return (
        version.name,
        ", ".join(links),
        ", ".join(_ref(version, part) for part in ("code", "config") if version.commit(part)) or "-",
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


def _ref(version: Version, part: str) -> str:
    """What its code or config was asked for by; its commit, which is in its name besides, where that is all."""
    short, ref = str(version.commit(part))[:7], version.refs.get(part)
    return short if not ref or ref.startswith(short) else ref


def size(number: int | None) -> str:
    """A size in megabytes; that of a version made by hand isn't known."""
    return "-" if number is None else f"{number / 1e6:.0f} MB"


def _run(run: PastRun, now: float) -> tuple[str, ...]:
    at = run.began or run.ended
    return (f"{when(at)}, {ago(now - at)}", run.kind, what(run), by(run), _ended(run))


def _ended(run: PastRun) -> str:
    """How a run has ended: why comes first, since what the site was like afterwards is over by now."""
    if run.outcome != Outcome.COMMITTED:
        why = run.why or first_line(run.reason or "")
        ended = how_ended(run)
        return f"{ended} at {run.step}: {why}" if why else ended
    out = run.cost.site.outage if run.cost and run.cost.site else 0.0
    return f"{run.outcome}, out {duration(out)}" if out else str(run.outcome)
