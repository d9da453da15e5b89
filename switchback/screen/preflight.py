"""Deciding what a run does, on all hosts at once and before anything is changed; or refusing, with every reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import gevent
from pyinfra.api import Host, State

from agent.runs.clean import choose
from agent.transaction.transaction import Refused as Undeletable
from switchback.checks.compare import builds, differences, setting_differences, unknown_to_primary
from switchback.checks.layout import host_problems, hotfix_problems, link_notices, transaction_problems
from switchback.checks.unable import unable_problems
from switchback.hosts.gateway import Facts, for_all_hosts, left_out, said_besides, survey_all
from switchback.hosts.inventory import command_line, options, primary_of, settings_of
from switchback.plan.builder import Known, foresee_cleaning, last_left
from switchback.plan.run import Cleaning, Commit, Run, new_id, steps_for, version_name
from switchback.screen import present, report
from switchback.screen.interrupts import Interrupts
from switchback.settings.errors import Refused
from switchback.settings.model import Settings, as_found
from switchback.settings.options import Options

NOTHING_OPEN = "no deploy is open on this host: there is nothing to recover"
NOT_ALL = "--limit leaves out {}: what is live there stays, also on the schema that this leaves behind"
WHICH = "deploys/status.py lists those that are there"
# How often a run that waits for another one looks again, seconds.
LOOK_AGAIN = 2.0
# How many versions are named that hosts have not in common.
NAMED = 3


@dataclass(frozen=True)
class Fleet:
    """All hosts of a run, as they were seen, in the inventory's order.

    + primary: the host that migrates and backs up
    """

    settings: dict[str, Settings]
    facts: dict[str, Facts]
    primary: str

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts' names."""
        return tuple(self.facts)


def deploy() -> Run:
    """Plan a deploy: resolve the refs, choose or name the version, and find out whether there is anything to do."""
    return for_all_hosts("run", partial(_plan, kind="deploy", plan=plan_deploy, with_refs=True))


def build() -> Run:
    """Plan a build."""
    return for_all_hosts("run", partial(_plan, kind="build", plan=plan_build, with_refs=True))


def revert() -> Run:
    """Plan a revert."""
    return for_all_hosts("run", partial(_plan, kind="revert", plan=plan_revert))


def restart() -> Run:
    """Plan a restart."""
    return for_all_hosts("run", partial(_plan, kind="restart", plan=plan_restart))


def open_run() -> bool:
    """Whether a run is open on the host at hand, for recover. Ends here, and well, where none is on any host."""
    return for_all_hosts("open", _open_runs)


def _open_runs(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
    somebody_can_answer()
    seen = _look(state, hosts)
    opened = {name: bool(facts.get("transaction")) for name, facts in seen.items()}
    if not any(opened.values()) and not command_line().json_output:
        raise present.NothingToDo(*(f"[{name}] {NOTHING_OPEN}" for name in seen))
    return opened


def _look(state: State, hosts: Sequence[Host]) -> dict[str, Facts]:
    seen = survey_all(state, hosts, _asked(options(), with_refs=False))
    blind = [host for host in hosts if not seen[host.name]]
    if blind:
        raise Refused(
            *(f"{host.name}: {problem}" for host in blind for problem in host_problems({}, settings_of(host)))
        )
    return seen


def existing(version: str) -> str:
    """A version's name, once it is certain that the host at hand has it. Raises Refused where a host does not."""

    def work(state: State, hosts: Sequence[Host]) -> dict[str, str]:
        somebody_can_answer()
        seen = _look(state, hosts)
        problems = [
            f"{name}: there is no version {version}; {WHICH}" for name in seen if not _known(seen[name], version)
        ]
        if problems:
            raise Refused(*problems)
        return dict.fromkeys(seen, version)

    return for_all_hosts("existing", work)


def cleaning() -> Cleaning:
    """What to delete on the host at hand. Shows it; raises Refused where a named version has to stay."""
    return for_all_hosts("cleaning", _plan_cleaning)


def _plan_cleaning(state: State, hosts: Sequence[Host]) -> dict[str, Cleaning]:
    somebody_can_answer()
    asked = options()
    plan = present.kept_plan()
    seen = _look(state, hosts)
    known = _in_the_way(seen, {})
    plans = {}
    told = []
    for host in hosts:
        settings, name = settings_of(host), host.name
        keep = settings.keep_versions if asked.keep is None else asked.keep
        named = (asked.version,) if asked.version else present.planned_deletions(plan, name)
        doomed: list[str] = []
        try:
            doomed = choose(seen[name]["versions"], keep, settings.keep_failed, named)
        except Undeletable as problem:
            known[name] = replace(known[name], problems=(*known[name].problems, str(problem)))
        plans[name] = Cleaning(settings, new_id("clean"), keep, named, "" if doomed else "nothing to delete")
        told.append(foresee_cleaning(name, settings, known[name], doomed))
    present.present(present.of_hosts("clean", told), plan)
    return plans


def _plan(
    state: State,
    hosts: Sequence[Host],
    kind: present.Kind,
    plan: Callable[[Fleet, Options], dict[str, Run]],
    with_refs: bool = False,
) -> dict[str, Run]:
    somebody_can_answer()
    kept = present.kept_plan()
    asked = present.asked_for(kept)
    switches = kind in ("deploy", "revert")
    left = tuple(left_out(state)) if switches else ()
    fleet, known = _see(state, hosts, asked, with_refs, switches)
    try:
        runs = {name: replace(run, left_out=left) for name, run in plan(fleet, asked).items()}
    except Refused as refused:
        raise Refused(*_problems(known), *refused.problems) from None
    notices = [*differences(fleet.facts, fleet.primary)[:1], *([NOT_ALL.format(", ".join(left))] if left else [])]
    if kind == "revert" and not asked.version:
        notices += further_than_alone(fleet, runs)
    first = known[fleet.primary]
    known[fleet.primary] = replace(first, notices=(*first.notices, *notices))
    preview = present.look(kind, hosts, runs, known)
    present.present(preview, kept)
    runs = present.with_foresight(runs, preview)
    Interrupts(state, list(runs.values())).catch()
    report.follow(state, list(runs.values()), said_besides)
    return runs


def _problems(known: dict[str, Known]) -> list[str]:
    return [f"{name}: {problem}" for name, one in known.items() for problem in one.problems]


def somebody_can_answer() -> None:
    """Refuse a run that would ask whether to go on where nobody can answer, as in a scheduled job."""
    line = command_line()
    if not (line.yes or line.dry or line.json_output) and is_nowhere(sys.stdin):
        raise Refused("nobody is there to press Enter: add -y to do it, or --dry to look")


def is_nowhere(file: TextIO) -> bool:
    """Whether reading from a file gives nothing: it is closed, or /dev/null."""
    if file.closed:
        return True
    return Path(f"/dev/fd/{file.fileno()}").resolve() == Path("/dev/null")


def _see(
    state: State, hosts: Sequence[Host], asked: Options, with_refs: bool, switches: bool
) -> tuple[Fleet, dict[str, Known]]:
    """Look at all hosts: what they are like, what stands in the way on each, and what is worth knowing.

    + switches: whether they go to another version together

    Raises Refused with the problems of all of them, unless looking is all that is asked for and can go on.
    """
    settings = {host.name: settings_of(host) for host in hosts}
    wait = 0.0 if present.only_looks() else float(max(one.lock_wait for one in settings.values()))
    facts = survey_all(state, hosts, _asked(asked, with_refs))
    while wait > 0 and any(transaction_problems(seen) for seen in facts.values()):
        gevent.sleep(LOOK_AGAIN)
        wait -= LOOK_AGAIN
        facts = survey_all(state, hosts, _asked(asked, with_refs))
    # Who builds a version brings one to the site; going back or restarting must be possible whatever else is wrong.
    found = {name: host_problems(seen, settings[name], builds=with_refs) for name, seen in facts.items()}
    if with_refs and asked.hotfixes != "discard":
        found = {name: texts + (hotfix_problems(facts[name]) if facts[name] else []) for name, texts in found.items()}
    primary = primary_of(state, hosts)
    if switches:
        found[primary] = [*found[primary], *setting_differences(settings)]
    known = _in_the_way(facts, found)
    problems = _problems(known)
    if problems and not (present.only_looks() and all(map(_can_be_shown, facts.values()))):
        raise Refused(*problems)
    settings = {
        name: as_found(one, (facts[name].get("scripts") or {}).get("restore_script")) for name, one in settings.items()
    }
    return Fleet(settings, facts, primary), known


def _in_the_way(seen: dict[str, Facts], found: dict[str, list[str]]) -> dict[str, Known]:
    """What is known of each host: an open run is a problem, and no more than a notice to who only looks.

    + found: the problems so far
    """
    known = {}
    for name, facts in seen.items():
        opened = transaction_problems(facts) if facts else []
        stuck = opened and facts["transaction"]["outcome"] == "needs a person"
        notices = tuple(opened) if present.only_looks() and not stuck else ()
        in_the_way = () if notices else opened
        no_way_back = [f"{one} (a run that fails has nothing to go back to)" for one in unable_problems(facts)]
        links = link_notices(facts) if present.only_looks() else ()
        known[name] = Known(facts, {}, (*found.get(name, ()), *in_the_way), (*notices, *no_way_back, *links))
    return known


def _can_be_shown(seen: Facts) -> bool:
    """Whether enough is seen of a host to say what a run would do there."""
    return bool(seen) and bool(seen["users"]["app_username"])


def _asked(asked: Options, with_refs: bool) -> Callable[[Host], Facts]:
    def of(host: Host) -> Facts:
        settings = settings_of(host)
        refs = {
            "code": {"url": settings.code_repo_url, "ref": asked.code or settings.code_branch},
            "config": {"url": settings.config_repo_url, "ref": asked.config or settings.config_branch},
        }
        return {"hotfixes": True, "refs": refs if with_refs and not asked.version else {}}

    return of


def asked_for_check() -> Callable[[Host], Facts]:
    """What check looks at on a host: all that a deploy would, and what else it needs."""
    as_deploy = _asked(options(), with_refs=True)
    return lambda host: {**as_deploy(host), "needs": True}


def plan_deploy(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a deploy. Pure. Raises Refused for refs that stand for nothing, or not for the same on every host."""
    if asked.version:
        return _named(fleet, asked, "deploy", about={})
    commits = agreed_commits(fleet)
    if not asked.force and all(_is_live(seen, commits) for seen in fleet.facts.values()):
        return _idle(
            fleet, "deploy", "{version} is live and healthy already: nothing to do (--data force=true deploys it again)"
        )
    reused = None if asked.force else _built(fleet, commits)
    version = reused or version_name(commits["code"], commits["config"])
    about = {part: {"ref": commit.ref, "sha": commit.sha} for part, commit in commits.items()}
    runs = _runs(fleet, asked, "deploy", version, build=True, about=about)
    if asked.force or reused is None:
        return runs
    # A host that was lost when the others committed is brought to the same version; the others stay as they are.
    done = [name for name, seen in fleet.facts.items() if _is_live(seen, commits)]
    return _without(runs, done, f"{version} is live and healthy already: only the other hosts are brought to it")


def _without(runs: dict[str, Run], done: Sequence[str], why: str) -> dict[str, Run]:
    """The runs of a fleet of which some hosts have nothing to do: the others commit together."""
    names = tuple(name for name in runs if name not in done)
    primary = next((run.primary for run in runs.values() if run.primary in names), names[0])
    return {
        name: replace(run, steps=(), idle=why) if name in done else replace(run, hosts=names, primary=primary)
        for name, run in runs.items()
    }


def plan_build(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a build. Pure."""
    commits = agreed_commits(fleet)
    reused = None if asked.force else _built(fleet, commits)
    if reused and all(_sealed(seen, reused) for seen in fleet.facts.values()):
        return _idle(fleet, "build", f"{reused} is built already: nothing to do (--data force=true builds it again)")
    about = {part: {"ref": commit.ref, "sha": commit.sha} for part, commit in commits.items()}
    version = reused or version_name(commits["code"], commits["config"])
    return _runs(fleet, asked, "build", version, build=True, about=about)


def plan_revert(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a revert. Pure. Raises Refused when there is nothing to go back to."""
    database = asked.database or "keep"
    gone = [name for name, seen in fleet.facts.items() if not seen["linked"]["current"]]
    if len(gone) == len(fleet.names):
        raise Refused("no version is live, so there is nothing to revert")
    others = _without_hosts(fleet, gone)
    drift = unknown_to_primary(others.facts, others.primary, asked.version) if database == "reverse" else []
    try:
        runs = _go_back(others, asked, database)
    except Refused as refused:
        raise Refused(*drift, *refused.problems) from None
    if drift:
        raise Refused(*drift)
    idle = _idle(
        fleet, "revert", "no version is live here, so there is nothing to revert: the others go back without it"
    )
    return {name: runs.get(name, idle[name]) for name in fleet.names}


def _go_back(fleet: Fleet, asked: Options, database: str) -> dict[str, Run]:
    version = asked.version or _before(fleet)
    about: dict[str, Any] = {"database": database}
    if database == "restore":
        about["backup"] = _backup_before_leaving(fleet, version)
        _can_restore(fleet, "--data database=restore: the settings have no restore_script")
    if asked.version:
        return _named(fleet, asked, "revert", about=about)
    return _runs(fleet, asked, "revert", version, build=False, about=about)


def further_than_alone(fleet: Fleet, runs: dict[str, Run]) -> list[str]:
    """Why hosts go further back than some of them would alone: another host has not what they would go to."""
    acting = [run for run in runs.values() if run.steps]
    found = []
    for run in acting:
        alone = Fleet(fleet.settings, {run.host: fleet.facts[run.host]}, run.host)
        try:
            nearer = _before(alone)
        except Refused:
            continue
        lack = [one.host for one in acting if nearer not in _able(fleet.facts[one.host])]
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


def _able(seen: Facts) -> set[str]:
    """The versions of a host that can be gone back to."""
    return {one["name"] for one in seen["versions"] if one["working"] and not one["failed"] and not one.get("unable")}


def _without_hosts(fleet: Fleet, gone: Sequence[str]) -> Fleet:
    """The other hosts of a fleet."""
    facts = {name: seen for name, seen in fleet.facts.items() if name not in gone}
    return Fleet(fleet.settings, facts, fleet.primary if fleet.primary in facts else next(iter(facts)))


def plan_restart(fleet: Fleet, asked: Options) -> dict[str, Run]:
    """Decide a restart. Pure."""
    live = {name: seen["linked"]["current"] for name, seen in fleet.facts.items()}
    bare = [
        f"{name}: no version is live, so there is nothing to restart" for name, version in live.items() if not version
    ]
    bare += [f"{name}: {problem}" for name, seen in fleet.facts.items() for problem in unable_problems(seen)]
    if bare:
        raise Refused(*bare)
    deploy, steps = new_id("restart"), ("restart", "health", "site", "commit")
    return {
        name: _run(fleet, name, "restart", deploy=deploy, version=live[name], steps=steps, about={})
        for name in fleet.names
    }


def _named(fleet: Fleet, asked: Options, kind: str, about: dict[str, Any]) -> dict[str, Run]:
    """Go to a version that was asked for by name, unless it is live already."""
    version = _existing(fleet, str(asked.version), kind)
    live = all(seen["linked"]["current"] == version and seen["healthy"]["healthy"] for seen in fleet.facts.values())
    if live and not asked.force:
        return _idle(fleet, kind, f"{version} is live and healthy already: nothing to do")
    return _runs(fleet, asked, kind, version, build=False, about=about)


def agreed_commits(fleet: Fleet) -> dict[str, Commit]:
    """The commits to deploy. Raises Refused for a ref that is unknown, or that the hosts do not agree on."""
    problems = []
    commits = {}
    for part in ("code", "config"):
        found = {name: seen["refs"][part] for name, seen in fleet.facts.items()}
        problems += [f"{name}: {part}: {ref['problem']}" for name, ref in found.items() if ref["sha"] is None]
        shas = {ref["sha"] for ref in found.values() if ref["sha"]}
        if len(shas) > 1:
            seen_as = ", ".join(f"{ref['sha'][:7]} on {name}" for name, ref in found.items() if ref["sha"])
            problems.append(f"{part}: the hosts see different commits: {seen_as}; try again in a moment")
        elif shas:
            commits[part] = Commit(next(iter(found.values()))["ref"], shas.pop())
    if problems:
        raise Refused(*problems)
    return commits


def _is_live(seen: Facts, commits: dict[str, Commit]) -> bool:
    """Whether a host serves these commits, whole and healthy."""
    current = next((one for one in seen["versions"] if "current" in one["links"]), None)
    if current is None or not seen["healthy"]["healthy"] or "working" not in current["links"]:
        return False
    return bool(current["sealed"]) and not current.get("unable") and _same(current, commits)


def _same(version: Facts, commits: dict[str, Commit]) -> bool:
    return all(version[part] == commit.sha for part, commit in commits.items())


def _built(fleet: Fleet, commits: dict[str, Commit]) -> str | None:
    """A version of these commits that is whole on a host and has failed on none; the newest.

    One that is live somewhere has not failed: where it is marked so, its host was lost when the others committed.
    """
    live = {seen["linked"]["current"] for seen in fleet.facts.values() if _is_live(seen, commits)}
    failed = {one["name"] for seen in fleet.facts.values() for one in seen["versions"] if one["failed"]}
    whole = {
        one["name"]
        for seen in fleet.facts.values()
        for one in seen["versions"]
        if one["sealed"] and _same(one, commits)
    }
    # Once its interpreter is another one, a version has to be built anew.
    unable = {one["name"] for seen in fleet.facts.values() for one in seen["versions"] if one.get("unable")}
    return max(whole - (failed - live) - unable, default=None)


def _sealed(seen: Facts, version: str) -> bool:
    return any(one["name"] == version and one["sealed"] for one in seen["versions"])


def _known(seen: Facts, version: str) -> Facts | None:
    return next((one for one in seen["versions"] if one["name"] == version), None)


def _existing(fleet: Fleet, version: str, kind: str) -> str:
    """A version that was asked for by name. Raises Refused where a host has none that is whole, and fit for this."""
    problems = []
    for name, seen in fleet.facts.items():
        known = _known(seen, version)
        if known is None:
            command = builds(fleet.facts, version)
            problems.append(f"{name}: there is no version {version}; {f'{command} builds it' if command else WHICH}")
        elif known.get("unable"):
            problems.append(f"{name}: {version} can't be started any more: {known['unable']}")
        elif not known["sealed"] and not known["working"]:
            problems.append(f"{name}: {version} was never finished")
        elif kind == "revert" and known["failed"]:
            problems.append(
                f"{name}: {version} failed at {known['failed']['step']}, and a revert goes to what has worked; "
                f"deploys/deploy.py --data version={version} tries it again"
            )
    if problems:
        raise Refused(*problems)
    return version


def _before(fleet: Fleet) -> str:
    """The version that was live before the live one, of those that are healthy on every host.

    Beyond what the history knows, it is the newest one that was built before. Raises Refused where there is none.
    """
    healthy = {name: _able(seen) for name, seen in fleet.facts.items()}
    current = {seen["linked"]["current"] for seen in fleet.facts.values()}
    good = set.intersection(*healthy.values()) - current
    way = [name for name in fleet.facts[fleet.primary]["lineage"] if name not in current]
    older = sorted(name for name in good.difference(way) if all(name < live for live in current))
    for name in [*reversed(way), *reversed(older)]:
        if name in good:
            return str(name)
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
    history = fleet.facts[fleet.primary]["history"]
    last = last_left(history, version)
    if last.get("backup"):
        return str(last["backup"])
    # One from an earlier time would lose all that was written until then.
    why = ": that was a revert, which kept the database" if last.get("kind") == "revert" else ""
    raise Refused(f"no backup is known from when {version} was replaced{why}; use --data database=keep or reverse")


def _can_restore(fleet: Fleet, problem: str) -> None:
    """Raise Refused where the host that restores for all has no script for it."""
    if fleet.settings[fleet.primary].restore_script is None:
        usual = (fleet.facts[fleet.primary].get("restore") or {}).get("usual")
        raise Refused(f"{problem}, and none that provision has written is at {usual}" if usual else problem)


def _runs(
    fleet: Fleet, asked: Options, kind: str, version: str, *, build: bool, about: dict[str, Any]
) -> dict[str, Run]:
    deploy = new_id(kind)
    if kind == "deploy" and fleet.settings[fleet.primary].database_fallback == "restore":
        _can_restore(fleet, "database_fallback: restore needs a restore_script")
    about = {**about, "irreversible": asked.irreversible or "refuse", "hotfixes": asked.hotfixes or "refuse"}
    about["provisioned"] = bool((fleet.facts[fleet.primary].get("restore") or {}).get("provisioned"))
    runs = {}
    for name, seen in fleet.facts.items():
        needs_build = build and not _sealed(seen, version)
        steps = steps_for(fleet.settings[name], needs_build, switch=kind != "build")
        if kind == "revert":
            # Whoever goes back is in a hurry: where the database stays as it is, no backup is waited for.
            steps = tuple(step for step in steps if step not in ("trial", "backup_before", "install_script"))
        runs[name] = _run(fleet, name, kind, deploy=deploy, version=version, steps=steps, about=about)
    return runs


def _run(
    fleet: Fleet, name: str, kind: str, *, deploy: str, version: str, steps: tuple[str, ...], about: dict[str, Any]
) -> Run:
    seen = fleet.facts[name]
    return Run(
        kind=kind,
        deploy=deploy,
        host=name,
        hosts=fleet.names,
        primary=fleet.primary,
        settings=fleet.settings[name],
        version=version,
        was=seen["linked"]["current"],
        steps=steps,
        agent=seen["agent"],
        about=about,
    )


def _idle(fleet: Fleet, kind: str, why: str) -> dict[str, Run]:
    runs = {}
    for name, seen in fleet.facts.items():
        live = seen["linked"]["current"]
        runs[name] = Run(
            kind=kind,
            deploy="",
            host=name,
            hosts=fleet.names,
            primary=fleet.primary,
            settings=fleet.settings[name],
            version=live,
            was=live,
            steps=(),
            agent=seen["agent"],
            idle=why.format(version=live),
        )
    return runs
