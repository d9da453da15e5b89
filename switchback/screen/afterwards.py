"""What deploys/history.py and deploys/why.py print of runs. All that is written is a missing page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click
from pyinfra.api import Host, State

from agent.words.facts import Past
from agent.words.history import Evidence
from agent.words.outcomes import Outcome
from agent.words.requests import Why
from facts.survey import Unread
from switchback.document.model import HostEnd
from switchback.document.noted import NOTED
from switchback.ended import Ended
from switchback.hosts.gateway import for_all_hosts, look_at_run, look_back, lost, reached
from switchback.hosts.inventory import command_line, options
from switchback.hosts.pyinfra_words import UNREACHED
from switchback.past.history import history_lines
from switchback.past.why import ALL, SOME, Unknown, choose, others, why_lines
from switchback.screen import pages
from switchback.screen.inspection import NotWell, Well
from switchback.settings.errors import OfHost, Refused

# How many runs are told, unless somebody wants another number.
RUNS = 20
NO_ANSWER = "can't be looked at (-v shows why)"


def history() -> None:
    """Say who deployed what when, and how it ended. Raises NotWell when a host can't be looked at."""
    _end(for_all_hosts("history", _history, among=reached))


def why() -> None:
    """Say what happened in a run, and show the evidence. Raises NotWell when a host can't be looked at; Refused where
    there is no such run."""
    _end(for_all_hosts("why", _why, among=reached))


def _end(well: bool) -> None:
    if not well or len(command_line().operations) < 2:
        raise Well if well else NotWell


def _history(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
    most = options().runs or RUNS
    told = look_back(hosts, most)
    seen = {name: past for name, past in told.items() if not isinstance(past, Unread)}
    blind = _blind(state, told)
    NOTED.looked = [HostEnd(host=name, outcome=Ended.DONE, history=past) for name, past in seen.items()] + _ends(blind)
    for name, past in seen.items():
        if past.open:
            click.echo(f"    [{name}] open: {past.open.says}", err=True)
    lines = history_lines(seen, most) if seen else []
    for number, line in enumerate(lines):
        click.echo(f"    {line}" if number in (0, len(lines) - 1) else f"      {line}", err=True)
    return dict.fromkeys(told, not blind)


def _why(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
    asked = options()
    request = Why(asked.deploy or "", ALL if asked.show or command_line().json_output else SOME)
    told = look_at_run(hosts, request)
    seen = {name: one for name, one in told.items() if not isinstance(one, Unread)}
    blind = _blind(state, told)
    if seen:
        try:
            deploy = choose(seen, request.deploy)
        except Unknown as problem:
            raise Refused(str(problem)) from None
        seen |= _of_the_others(hosts, seen, replace(request, deploy=deploy))
        NOTED.looked = [HostEnd(host=name, outcome=Ended.DONE, why=one) for name, one in seen.items()] + _ends(blind)
        for name, one in seen.items():
            _show_why(name, one, deploy)
        pages.of_past(state, deploy, seen)
    else:
        NOTED.looked = _ends(blind)
    return dict.fromkeys(told, not blind)


def _of_the_others(hosts: Sequence[Host], seen: Mapping[str, Evidence], request: Why) -> dict[str, Evidence]:
    """The same run of those that have told of another one, since each has chosen for itself."""
    there = [host for host in hosts if host.name in seen]
    others = [host for host in there if not _tells_of(seen[host.name], request.deploy)]
    again = look_at_run(others, request) if others else {}
    return {name: one for name, one in again.items() if not isinstance(one, Unread)}


def _tells_of(evidence: Evidence, deploy: str) -> bool:
    return evidence.record is not None and evidence.record.run.deploy == deploy


def _show_why(name: str, evidence: Evidence, deploy: str) -> None:
    record = evidence.record
    if record is None:
        click.echo(f"    {others(name, evidence, deploy)}", err=True)
        return
    head, *lines = why_lines(record, show_all=options().show == "all")
    good = record.run.outcome == Outcome.COMMITTED
    click.echo(f"    [{click.style(name, bold=True)}] {click.style(head, 'green' if good else 'red')}", err=True)
    for line in lines:
        click.echo(f"    {line}".rstrip(), err=True)


def _ends(blind: Mapping[str, str]) -> list[HostEnd]:
    return [HostEnd(host=name, outcome=Ended.FAILED, sentence=why) for name, why in blind.items()]


def _blind(state: State, told: Mapping[str, Past | Evidence | Unread]) -> dict[str, str]:
    """The hosts that can't be looked at, each with why; says so."""
    blind = {name: one.why or NO_ANSWER for name, one in told.items() if isinstance(one, Unread)}
    blind |= dict.fromkeys(lost(state), UNREACHED)
    click.echo(err=True)
    for name, why in blind.items():
        click.echo(f"    [{name}] {click.style(why, 'red')}", err=True)
    NOTED.problems = [OfHost(name, why) for name, why in blind.items()]
    return blind
