"""Looking at all hosts without changing anything: what check and status print, and what provision starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from pyinfra.api import Host, State

from agent.versions.layout import Layout
from agent.words.facts import HostFacts
from agent.words.requests import Survey
from facts.survey import Surveyed, Unread
from switchback.checks.compare import differences
from switchback.checks.git_access import look_for_keys
from switchback.checks.groundwork import rewrite_notices
from switchback.checks.layout import host_problems, ready
from switchback.checks.needs import as_follower, looked_at, need_notices, need_problems
from switchback.checks.notices import (
    environment_notices,
    hotfix_problems,
    notify_notices,
    odd_notices,
    restore_notices,
    rolling_problems,
    schema_notices,
    transaction_problems,
)
from switchback.checks.unable import unable_notes, unable_problems
from switchback.checks.web import web_notices
from switchback.document.model import Checked, Healthy, HostEnd, Status
from switchback.document.noted import NOTED
from switchback.ended import Ended
from switchback.hosts.gateway import for_all_hosts, lost, reached, survey_all, survey_of
from switchback.hosts.inventory import command_line, primary_of, settings_of
from switchback.hosts.pyinfra_words import UNREACHED
from switchback.screen.preflight import asked_for_check, somebody_can_answer
from switchback.screen.status import status_lines
from switchback.settings.errors import OfHost, Problems, Refused
from switchback.settings.model import Settings


class NotWell(Refused):
    """Ends a run that only looks, with 1, once everything has been said."""

    def show(self, file: object = None) -> None:
        """Add nothing."""


class Well(NotWell):
    """The same with 0: pyinfra would go on to ask whether to begin, though there is nothing to begin with."""

    exit_code = 0


def ground() -> HostFacts:
    """What provision starts from. Raises Refused when a host can't be looked at, or has an open deploy."""
    return for_all_hosts("ground", _ground)


def _asked_for_ground(host: Host) -> Survey:
    """What provision looks at on a host."""
    settings = settings_of(host)
    wants = settings.provision_database == "postgresql"
    return replace(survey_of(host), written=True, servers=look_for_keys(settings), postgresql=wants)


def _ground(state: State, hosts: Sequence[Host]) -> dict[str, HostFacts]:
    somebody_can_answer()
    seen = survey_all(hosts, _asked_for_ground)
    problems = Problems()
    for host in hosts:
        facts = seen[host.name]
        found = host_problems(facts, settings_of(host)) if isinstance(facts, Unread) else _unfit(facts)
        problems.add(*(OfHost(host.name, problem) for problem in found))
    problems.refuse_if_any()
    return {name: facts for name, facts in seen.items() if isinstance(facts, HostFacts)}


def _unfit(facts: HostFacts) -> Sequence[str]:
    """Why provision would leave a host as it is: a run that isn't over, or what is another site's."""
    return [*transaction_problems(facts), *facts.clashes]


def check() -> None:
    """Say of every host what keeps it from taking a deploy. Raises NotWell when anything does."""
    _tell("check", _checked, asked_for_check())


def status() -> None:
    """Say of every host what is on it. Raises NotWell when one can't be looked at."""
    _tell("status", _described, survey_of)


@dataclass(frozen=True)
class Told:
    """What is said of one host: for a person, and in the run's document.

    + problems: why it is not as it should be
    """

    lines: Sequence[str]
    problems: Sequence[str] = ()
    check: Checked | None = None
    status: Status | None = None

    def of(self, host: str, primary: str) -> HostEnd:
        """How the run has ended on a host, of which this is said."""
        ended = Ended.FAILED if self.problems else Ended.DONE
        if self.check:
            ended = Ended.READY if self.check.ready else Ended.NOT_READY
        is_primary = host == primary if primary else None
        return HostEnd(
            host=host,
            primary=is_primary,
            outcome=ended,
            sentence=self.lines[0],
            check=self.check,
            status=self.status,
        )


def _tell(name: str, of: Callable[[Surveyed, Settings], Told], asked: Callable[[Host], Survey]) -> None:
    def work(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
        seen = survey_all(hosts, asked)
        primary = primary_of(state, hosts) if hosts else ""
        seen = {name: facts if name == primary else as_follower(facts) for name, facts in seen.items()}
        told = {host.name: of(seen[host.name], settings_of(host)) for host in hosts}
        told |= {name: Told([UNREACHED], [UNREACHED]) for name in lost(state)}
        differ = differences({name: facts.site for name, facts in seen.items() if facts.site}, primary)
        NOTED.looked = [one.of(name, primary) for name, one in told.items()]
        NOTED.problems = [OfHost(name, problem) for name, one in told.items() for problem in one.problems]
        NOTED.differences = differ
        _show(told, differ)
        return dict.fromkeys(told, not NOTED.problems)

    well = for_all_hosts(name, work, among=reached)
    if not well or len(command_line().operations) < 2:
        raise Well if well else NotWell


def _show(told: Mapping[str, Told], differ: Sequence[str]) -> None:
    for name, one in told.items():
        click.echo(err=True)
        color = "red" if one.problems else "green"
        click.echo(f"    [{click.style(name, bold=True)}] {click.style(one.lines[0], color)}", err=True)
        for line in one.lines[1:]:
            click.echo(f"      {line}".rstrip(), err=True)
    if differ:
        click.echo(err=True)
        click.echo(f"--> {click.style(differ[0][0].upper() + differ[0][1:], 'yellow')}", err=True)
        click.echo(f"    Next: {differ[1]}", err=True)


def _checked(facts: Surveyed, settings: Settings) -> Told:
    found, looked, site = host_problems(facts, settings) + transaction_problems(facts), list[str](), facts.site
    if isinstance(facts, HostFacts) and site:
        found += hotfix_problems(site) + rolling_problems(site) + unable_problems(site) + need_problems(site, settings)
        looked = [*unable_notes(site), *looked_at(facts, settings)]
    if site and not found:
        says = ready(site)
        notices = [*schema_notices(site), *odd_notices(site), *site.by_a_link, *rewrite_notices(site, settings)]
        notices += [*need_notices(site), *restore_notices(site, settings), *environment_notices(site, settings)]
        notices += [*_web_notices(facts, settings), *notify_notices(site, settings)]
        told = Checked(ready=True, notices=tuple(notices), looked_at=tuple(looked))
        return Told([says, *(f"note: {notice}" for notice in notices), *looked], check=told)
    says = f"not ready: {len(found)} problem{'s' if len(found) > 1 else ''}"
    lines = [line for problem in found for line in f"- {problem}".split("\n")]
    return Told([says, *lines, *looked], found, check=Checked(ready=False, looked_at=tuple(looked)))


def _web_notices(facts: Surveyed, settings: Settings) -> list[str]:
    if not isinstance(facts, HostFacts) or not facts.site:
        return []
    return web_notices(facts, settings, Layout(settings.for_host(), Path(facts.site.home)))


def _described(facts: Surveyed, settings: Settings) -> Told:
    if isinstance(facts, Unread):
        found = host_problems(facts, settings)
        return Told(found, found)
    told = Status(transaction=facts.transaction)
    if facts.site:
        site, health = facts.site, facts.site.health
        told = Status(
            transaction=facts.transaction,
            linked=site.linked,
            healthy=Healthy(healthy=health.healthy, problem=health.problem, pids=health.pids),
            versions=site.versions,
            history=site.history,
            kept=site.kept,
            untold=(site.untold or None) if settings.notify else None,
        )
    return Told(status_lines(facts, settings), status=told)
