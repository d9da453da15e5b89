"""Deciding what a run does, on all hosts at once and before anything is changed; or refusing, with every reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

import gevent
from pyinfra.api import Host, State

from agent.versions.choice import choose
from agent.words.facts import HostFacts
from agent.words.outcomes import Outcome
from agent.words.outcomes import Refused as Undeletable
from agent.words.requests import Ref, Survey
from facts.survey import Surveyed
from switchback.checks.compare import differences, setting_differences
from switchback.checks.layout import host_problems
from switchback.checks.needs import start_notices, start_problems
from switchback.checks.notices import deaf_problems, hotfix_problems, transaction_problems
from switchback.checks.unable import unable_problems
from switchback.ending import report
from switchback.ending.ending import Ending
from switchback.hosts.gateway import for_all_hosts, left_out, survey_all, survey_of
from switchback.hosts.inventory import command_line, options, primary_of, settings_of
from switchback.hosts.presence import stay_present
from switchback.plan.builder import foresee_cleaning
from switchback.plan.known import Known
from switchback.progress.usual import usual
from switchback.runs.deploys import plan_build, plan_deploy
from switchback.runs.fleet import Fleet
from switchback.runs.found import as_found
from switchback.runs.restarts import plan_restart
from switchback.runs.reverts import further_than_alone, plan_revert
from switchback.runs.run import Cleaning, Run, new_id
from switchback.screen import controller, pages, present
from switchback.screen.interrupts import Interrupts
from switchback.settings.environment import read_secrets
from switchback.settings.errors import OfHost, Refused
from switchback.settings.model import Settings
from switchback.settings.options import Options

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


def look_at(hosts: Sequence[Host]) -> dict[str, HostFacts]:
    """Look at hosts for a run that builds nothing. Raises Refused with what keeps it from each."""
    surveyed = survey_all(hosts, _asked(options(), with_refs=False))
    seen = {name: facts for name, facts in surveyed.items() if isinstance(facts, HostFacts)}
    blind = [host for host in hosts if host.name not in seen]
    if blind:
        raise Refused(*_by_host({host.name: host_problems(surveyed[host.name], settings_of(host)) for host in blind}))
    # These runs put no agent on a host before they ask the one that is there.
    deaf = _by_host({name: deaf_problems(facts) for name, facts in seen.items()})
    if deaf:
        raise Refused(*deaf)
    return seen


def cleaning() -> Cleaning:
    """What to delete on the host at hand. Shows it; raises Refused where a named version has to stay."""
    return for_all_hosts("cleaning", _plan_cleaning)


def _plan_cleaning(state: State, hosts: Sequence[Host]) -> dict[str, Cleaning]:
    somebody_can_answer()
    asked = options()
    plan = present.kept_plan()
    seen = look_at(hosts)
    settings = {host.name: settings_of(host) for host in hosts}
    known = _known(seen, settings, {name: _holders(facts)[0] for name, facts in seen.items()})
    if len(known) < len(seen):
        bare = {name: host_problems(facts, settings[name]) for name, facts in seen.items() if name not in known}
        raise Refused(*_by_host(bare))
    plans, deploy = {}, new_id("clean")
    told = []
    for host in hosts:
        name, own = host.name, settings[host.name]
        keep = own.keep_versions if asked.keep is None else asked.keep
        named = (asked.version,) if asked.version else present.planned_deletions(plan, name)
        doomed: list[str] = []
        try:
            doomed = choose(known[name].seen.versions, keep, own.keep_failed, named)
        except Undeletable as problem:
            known[name] = replace(known[name], problems=(*known[name].problems, str(problem)))
        plans[name] = Cleaning(own, deploy, keep, named, "" if doomed else "nothing to delete", by=asked.by or "")
        told.append(foresee_cleaning(name, own, known[name], doomed))
    preview = present.of_hosts("clean", told)
    present.present(preview, plan)
    present.agree(preview)
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
        runs = {name: replace(run, left_out=left, by=asked.by or "") for name, run in plan(fleet, asked).items()}
    except Refused as refused:
        raise Refused(*_by_host({name: one.problems for name, one in known.items()}), *refused.problems) from None
    notices = [*differences(fleet.sites, fleet.primary)[:1], *([NOT_ALL.format(", ".join(left))] if left else [])]
    if kind == "revert" and not asked.version:
        notices += further_than_alone(fleet, runs)
    first = known[fleet.primary]
    known[fleet.primary] = replace(first, notices=(*first.notices, *notices))
    preview = present.look(kind, hosts, runs, known)
    present.present(preview, kept)
    Interrupts(state, list(runs.values())).catch()
    present.agree(preview)
    for run in runs.values():
        if run.steps and len(run.hosts) > 1:
            # Three times as often as it would have to be.
            stay_present(state, run.host, run.deploy, run.settings.confirm_timeout / 3)
    pages.follow(state, list(runs.values()), preview)
    took = {name: usual(one.seen.history, kind) for name, one in known.items()}
    report.follow(state, list(runs.values()), took, partial(_after, loud=state.print_noop_info))
    return runs


def _after(runs: Sequence[Run], endings: Sequence[Ending], loud: bool) -> str:
    """Run what is the project's own here, once a run has ended on its hosts."""
    told = [f"{one.host}: {one.sentence}" for one in endings]
    return controller.run_after(runs, [one.outcome for one in endings], told, loud)


def _by_host(problems: Mapping[str, Sequence[str]]) -> list[OfHost]:
    return [OfHost(name, problem) for name, found in problems.items() for problem in found]


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
    # Who builds a version brings the secrets along, and one that is built already meets those of today as well.
    request = _asked(asked, with_refs, starts=kind == "restart", with_secrets=with_refs)
    facts = survey_all(hosts, request)
    while wait > 0 and any(transaction_problems(seen) for seen in facts.values()):
        gevent.sleep(LOOK_AGAIN)
        wait -= LOOK_AGAIN
        facts = survey_all(hosts, request)
    # Who builds a version brings one to the site; going back or restarting must be possible whatever else is wrong.
    found = {name: host_problems(seen, settings[name], builds=with_refs) for name, seen in facts.items()}
    for name, seen in facts.items():
        if seen.site and with_refs and asked.hotfixes != "discard":
            found[name] += hotfix_problems(seen.site)
        found[name] += start_problems(seen.site, settings[name]) if seen.site else []
    primary = primary_of(state, hosts)
    if kind in SWITCHES:
        found[primary] += setting_differences(settings)
    found = {name: [*problems, *_holders(facts[name])[0]] for name, problems in found.items()}
    known = _known(facts, settings, found)
    if any(found.values()) and not (present.only_looks() and len(known) == len(facts)):
        raise Refused(*_by_host(found))
    # All hosts of a run go about it alike.
    unnoticed = all(one.seen.unnoticed for one in known.values())
    for name, one in known.items():
        there = one.seen.scripts.get("restore_script")
        settings[name] = as_found(settings[name], there.path if there else None, unnoticed)
    whole = {name: one for name, one in facts.items() if isinstance(one, HostFacts)}
    return Fleet(settings, whole, primary, primary_of(state, list(state.inventory))), known


def _holders(facts: Surveyed) -> tuple[list[str], list[str]]:
    """What an open run is on a host: a problem; or no more than a notice, to who only looks."""
    opened = transaction_problems(facts)
    stuck = facts.transaction is not None and facts.transaction.outcome == Outcome.NEEDS_A_PERSON
    return ([], opened) if present.only_looks() and not stuck else (opened, [])


def _known(
    facts: Mapping[str, Surveyed], settings: Mapping[str, Settings], problems: Mapping[str, Sequence[str]]
) -> dict[str, Known]:
    """What is known of each host of which enough is seen to say what a run would do there."""
    known = {}
    for name, seen in facts.items():
        if seen.site:
            notices = [f"{one} (a run that fails has nothing to go back to)" for one in unable_problems(seen.site)]
            links = seen.site.by_a_link if present.only_looks() else ()
            notices = [*_holders(seen)[1], *notices, *links, *start_notices(seen.site, settings[name])]
            known[name] = Known(seen.site, None, tuple(problems[name]), tuple(notices))
    return known


def _asked(
    asked: Options, with_refs: bool, starts: bool = False, with_secrets: bool = False
) -> Callable[[Host], Survey]:
    def of(host: Host) -> Survey:
        settings = settings_of(host)
        names = {"code": asked.code or settings.code_branch, "config": asked.config or settings.config_branch}
        refs = {part: Ref(url, names[part]) for part, url in settings.repositories.items()}
        wanted = refs if with_refs and not asked.version else {}
        secrets = read_secrets(settings.secrets) if with_secrets else None
        return replace(survey_of(host), refs=wanted, hotfixes=True, starts=starts, secrets=secrets)

    return of


def asked_for_check() -> Callable[[Host], Survey]:
    """What check looks at on a host: all that a deploy would, and what else it needs."""
    as_deploy = _asked(options(), with_refs=True)
    return lambda host: replace(as_deploy(host), needs=True)
