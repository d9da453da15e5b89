"""Deciding what a run does, on all hosts at once and before anything is changed; or refusing, with every reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

import gevent
from pyinfra.api import Host, State

from agent.runs.clean import choose
from agent.transaction.transaction import Refused as Undeletable
from agent.words.outcomes import Outcome
from switchback.checks.compare import differences, setting_differences
from switchback.checks.layout import host_problems
from switchback.checks.needs import start_notices, start_problems
from switchback.checks.notices import hotfix_problems, link_notices, transaction_problems
from switchback.checks.unable import unable_problems
from switchback.hosts.gateway import Facts, for_all_hosts, left_out, survey_all
from switchback.hosts.inventory import command_line, options, primary_of, settings_of
from switchback.plan.builder import foresee_cleaning
from switchback.plan.known import Known
from switchback.runs.deploys import plan_build, plan_deploy
from switchback.runs.fleet import (
    WHICH,
    Fleet,
    known_version,
)
from switchback.runs.restarts import plan_restart
from switchback.runs.reverts import further_than_alone, plan_revert
from switchback.runs.run import Cleaning, Run, new_id
from switchback.screen import present, report
from switchback.screen.interrupts import Interrupts
from switchback.settings.errors import Refused
from switchback.settings.model import as_found
from switchback.settings.options import Options

NOTHING_OPEN = "no deploy is open on this host: there is nothing to recover"
NOT_ALL = "--limit leaves out {}: what is live there stays, also on the schema that this leaves behind"
# How often a run that waits for another one looks again, seconds.
LOOK_AGAIN = 2.0
# The runs in which hosts go to another version together.
SWITCHES = ("deploy", "revert")


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
            f"{name}: there is no version {version}; {WHICH}" for name in seen if not known_version(seen[name], version)
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
    switches = kind in SWITCHES
    left = tuple(left_out(state)) if switches else ()
    fleet, known = _see(state, hosts, asked, with_refs, kind)
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
    report.follow(state, list(runs.values()))
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
    state: State, hosts: Sequence[Host], asked: Options, with_refs: bool, kind: present.Kind
) -> tuple[Fleet, dict[str, Known]]:
    """Look at all hosts: what they are like, what stands in the way on each, and what is worth knowing.

    Raises Refused with the problems of all of them, unless looking is all that is asked for and can go on.
    """
    settings = {host.name: settings_of(host) for host in hosts}
    wait = 0.0 if present.only_looks() else float(max(one.lock_wait for one in settings.values()))
    request = _asked(asked, with_refs, starts=kind == "restart")
    facts = survey_all(state, hosts, request)
    while wait > 0 and any(transaction_problems(seen) for seen in facts.values()):
        gevent.sleep(LOOK_AGAIN)
        wait -= LOOK_AGAIN
        facts = survey_all(state, hosts, request)
    # Who builds a version brings one to the site; going back or restarting must be possible whatever else is wrong.
    found = {name: host_problems(seen, settings[name], builds=with_refs) for name, seen in facts.items()}
    if with_refs and asked.hotfixes != "discard":
        found = {name: texts + (hotfix_problems(facts[name]) if facts[name] else []) for name, texts in found.items()}
    found = {name: texts + start_problems(facts[name], settings[name]) for name, texts in found.items()}
    primary = primary_of(state, hosts)
    if kind in SWITCHES:
        found[primary] = [*found[primary], *setting_differences(settings)]
    known = {
        name: replace(one, notices=(*one.notices, *start_notices(facts[name], settings[name])))
        for name, one in _in_the_way(facts, found).items()
    }
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
        stuck = opened and facts["transaction"]["outcome"] == Outcome.NEEDS_A_PERSON
        notices = tuple(opened) if present.only_looks() and not stuck else ()
        in_the_way = () if notices else opened
        no_way_back = [f"{one} (a run that fails has nothing to go back to)" for one in unable_problems(facts)]
        links = link_notices(facts) if present.only_looks() else ()
        known[name] = Known(facts, {}, (*found.get(name, ()), *in_the_way), (*notices, *no_way_back, *links))
    return known


def _can_be_shown(seen: Facts) -> bool:
    """Whether enough is seen of a host to say what a run would do there."""
    return bool(seen) and bool(seen["users"]["app_username"])


def _asked(asked: Options, with_refs: bool, starts: bool = False) -> Callable[[Host], Facts]:
    def of(host: Host) -> Facts:
        settings = settings_of(host)
        refs = {
            "code": {"url": settings.code_repo_url, "ref": asked.code or settings.code_branch},
            "config": {"url": settings.config_repo_url, "ref": asked.config or settings.config_branch},
        }
        return {"hotfixes": True, "refs": refs if with_refs and not asked.version else {}, "starts": starts}

    return of


def asked_for_check() -> Callable[[Host], Facts]:
    """What check looks at on a host: all that a deploy would, and what else it needs."""
    as_deploy = _asked(options(), with_refs=True)
    return lambda host: {**as_deploy(host), "needs": True}
