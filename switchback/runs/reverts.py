"""What a revert does: to which version the hosts go back together, and from which backup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.words.facts import Site
from agent.words.history import PastRun
from agent.words.outcomes import Outcome
from switchback.checks.compare import unknown_to_primary
from switchback.runs.fleet import Fleet, idle_runs, needs_restore_script, runs_to, to_named
from switchback.runs.run import About, Run
from switchback.settings.errors import Refused
from switchback.settings.options import Options

# How many versions are named that hosts have not in common.
NAMED = 3


def plan_revert(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a revert. Pure. Raises Refused when there is nothing to go back to."""
    database = asked.database or "keep"
    gone = [name for name, site in fleet.sites.items() if not site.linked.current]
    if len(gone) == len(fleet.names):
        raise Refused("no version is live, so there is nothing to revert")
    others = _without_hosts(fleet, gone)
    drift = unknown_to_primary(others.sites, others.primary, asked.version) if database == "reverse" else []
    try:
        runs = _go_back(others, asked, database)
    except Refused as refused:
        raise Refused(*drift, *refused.problems) from None
    if drift:
        raise Refused(*drift)
    idle = idle_runs(
        fleet, "revert", "no version is live here, so there is nothing to revert: the others go back without it"
    )
    return {name: runs.get(name, idle[name]) for name in fleet.names}


def _go_back(fleet: Fleet, asked: Options, database: str) -> dict[str, Run]:
    version = asked.version or _before(fleet)
    about = About(database=database)
    if database == "restore":
        about = replace(about, backup=_backup_before_leaving(fleet, version))
        needs_restore_script(fleet, "--data database=restore: the settings have no restore_script")
    if asked.version:
        return to_named(fleet, asked, "revert", about=about)
    return runs_to(fleet, asked, "revert", version, build=False, about=about)


def further_than_alone(fleet: Fleet, runs: dict[str, Run]) -> list[str]:
    """Why hosts go further back than some of them would alone: another host has not what they would go to."""
    acting = [run for run in runs.values() if run.steps]
    found = []
    for run in acting:
        alone = Fleet(fleet.settings, {run.host: fleet.facts[run.host]}, run.host, fleet.single)
        try:
            nearer = _before(alone)
        except Refused:
            continue
        lack = [one.host for one in acting if nearer not in _able(fleet.sites[one.host])]
        live = [one.host for one in acting if one.was == nearer]
        if nearer > run.version and lack:
            found.append(
                f"{nearer} is not there, or not healthy, on {', '.join(lack)}: so all go back to {run.version}"
            )
        elif live:
            found.append(
                f"{nearer}, to which {run.host} would go alone, is live on {', '.join(live)}: all go back beyond it, "
                f"to {run.version}; to have {nearer} on all, deploy it: deploys/deploy.py --data version={nearer}"
            )
    return list(dict.fromkeys(found))


def _able(site: Site) -> set[str]:
    """The versions of a host that can be gone back to."""
    return {one.name for one in site.versions if one.working and not one.failed and not one.unable}


def _without_hosts(fleet: Fleet, gone: Sequence[str]) -> Fleet:
    """The other hosts of a fleet."""
    facts = {name: seen for name, seen in fleet.facts.items() if name not in gone}
    primary = fleet.primary if fleet.primary in facts else next(iter(facts))
    return Fleet(fleet.settings, facts, primary, fleet.single or fleet.primary)


def _before(fleet: Fleet) -> str:
    """The version that was live before the live one, of those that are healthy on every host.

    Beyond what the history knows, it is the newest one that was built before. Raises Refused where there is none.
    """
    healthy = {name: _able(site) for name, site in fleet.sites.items()}
    current = {live for site in fleet.sites.values() if (live := site.linked.current)}
    good = set.intersection(*healthy.values()) - current
    way = [name for name in fleet.sites[fleet.primary].lineage if name not in current]
    older = sorted(name for name in good.difference(way) if all(name < live for live in current))
    for name in [*reversed(way), *reversed(older)]:
        if name in good:
            return name
    raise Refused(_nothing_before(current, {name: found - current for name, found in healthy.items()}))


def _nothing_before(current: set[str], others: dict[str, set[str]]) -> str:
    """Why hosts can't go back.

    + others: the healthy versions of each host but those that are live
    """
    lacks = [name for name, found in others.items() if not found]
    says = f"there is no healthy version before {', '.join(sorted(current))} that can be started"
    if lacks and len(lacks) < len(others):
        rest = ",".join(name for name in others if name not in lacks)
        return (
            f"{says} on {', '.join(lacks)}: deploy the older commits, which builds them there, or go back without it, "
            f"--limit {rest}"
        )
    somewhere = sorted((one for one in set().union(*others.values()) if one < min(current)), reverse=True)[:NAMED]
    if somewhere:
        lacking = {version: [name for name in others if version not in others[name]] for version in somewhere}
        told = "; ".join(
            f"{version} is not, or not healthy, on {', '.join(names)}" for version, names in lacking.items()
        )
        return f"{says} on all hosts: {told}. Deploy the commits of one of them, which builds it where it is missing"
    return f"{says}: name one with --data version=NAME (deploys/status.py lists them)"


def _backup_before_leaving(fleet: Fleet, version: str) -> str:
    """The backup that was taken when a version was last replaced by another."""
    last = last_left(fleet.sites[fleet.primary].history, version)
    if last and last.backup:
        return last.backup
    # One from an earlier time would lose all that was written until then.
    why = ": that was a revert, which kept the database" if last and last.kind == "revert" else ""
    raise Refused(f"no backup is known from when {version} was replaced{why}; use --data database=keep or reverse")


def last_left(history: Sequence[PastRun], version: str) -> PastRun | None:
    """The run that last put another version in the place of a version; None where none has."""
    left = (run for run in reversed(history) if run.outcome == Outcome.COMMITTED and run.was == version)
    return next((run for run in left if run.version not in (None, version)), None)
