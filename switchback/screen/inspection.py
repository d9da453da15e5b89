"""Looking at all hosts without changing anything: what check and status print, and what provision starts from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

import click
from pyinfra.api import Host, State

from switchback.checks.compare import differences
from switchback.checks.groundwork import rewrite_notices
from switchback.checks.layout import host_problems, ready
from switchback.checks.needs import as_follower, looked_at, need_notices, need_problems
from switchback.checks.notices import (
    hotfix_problems,
    link_notices,
    restore_notices,
    rolling_problems,
    schema_notices,
    transaction_problems,
)
from switchback.checks.unable import unable_notes, unable_problems
from switchback.hosts.gateway import Facts, for_all_hosts, lost, reached, survey_all
from switchback.hosts.inventory import command_line, primary_of, settings_of
from switchback.hosts.pyinfra_words import UNREACHED
from switchback.screen.preflight import asked_for_check, somebody_can_answer
from switchback.screen.status import status_lines
from switchback.settings.errors import Problems, Refused
from switchback.settings.model import Settings


class NotWell(Refused):
    """Ends a run that only looks, with 1, once everything has been said."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Add nothing."""


class Well(NotWell):
    """The same with 0: pyinfra would go on to ask whether to begin, though there is nothing to begin with."""

    exit_code = 0


def ground() -> Facts:
    """What provision starts from. Raises Refused when a host can't be looked at, or has an open deploy."""
    return for_all_hosts("ground", _ground)


def _ground(state: State, hosts: Sequence[Host]) -> dict[str, Facts]:
    somebody_can_answer()
    seen = survey_all(state, hosts, lambda _: {"written": True})
    problems = Problems()
    for host in hosts:
        facts = seen[host.name]
        found = transaction_problems(facts) if facts else host_problems({}, settings_of(host))
        problems.add(*(f"{host.name}: {problem}" for problem in found))
    problems.refuse_if_any()
    return seen


def check() -> None:
    """Say of every host what keeps it from taking a deploy. Raises NotWell when anything does."""
    _tell("check", _checked, asked_for_check())


def status() -> None:
    """Say of every host what is on it. Raises NotWell when one can't be looked at."""
    _tell("status", _described, lambda _: {"hotfixes": False})


@dataclass(frozen=True)
class Told:
    """What is said of one host: for a person, and under --json.

    + well: whether the host is as it should be
    """

    lines: Sequence[str]
    well: bool
    data: Facts


def _tell(name: str, of: Callable[[Facts, Settings], Told], asked: Callable[[Host], Facts]) -> None:
    def work(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
        seen = survey_all(state, hosts, asked)
        primary = primary_of(state, hosts) if hosts else ""
        seen = {name: facts if name == primary else as_follower(facts) for name, facts in seen.items()}
        told = {host.name: of(seen[host.name], settings_of(host)) for host in hosts}
        told |= {name: Told([UNREACHED], False, {"problems": [UNREACHED]}) for name in lost(state)}
        _show(told, differences(seen, primary))
        return dict.fromkeys(told, all(one.well for one in told.values()))

    well = for_all_hosts(name, work, among=reached)
    if not well or len(command_line().operations) < 2:
        raise Well if well else NotWell


def _show(told: Mapping[str, Told], differ: Sequence[str]) -> None:
    if command_line().json_output:
        hosts = {name: one.data for name, one in told.items()}
        click.echo(json.dumps({"hosts": hosts, "differences": differ}, indent=4, default=asdict))
    for name, one in told.items():
        click.echo(err=True)
        color = "green" if one.well else "red"
        click.echo(f"    [{click.style(name, bold=True)}] {click.style(one.lines[0], color)}", err=True)
        for line in one.lines[1:]:
            click.echo(f"      {line}".rstrip(), err=True)
    if differ:
        click.echo(err=True)
        click.echo(f"--> {click.style(differ[0][0].upper() + differ[0][1:], 'yellow')}", err=True)
        click.echo(f"    Next: {differ[1]}", err=True)


def _checked(facts: Facts, settings: Settings) -> Told:
    found = host_problems(facts, settings)
    if facts:
        found += transaction_problems(facts) + hotfix_problems(facts) + rolling_problems(facts)
        found += [*unable_problems(facts), *need_problems(facts, settings)]
    looked = [*(unable_notes(facts) if facts else ()), *looked_at(facts, settings)]
    if not found:
        says = ready(facts, settings)
        notices = schema_notices(facts) + link_notices(facts) + rewrite_notices(facts, settings) + need_notices(facts)
        notices += restore_notices(facts, settings)
        told = {"ready": True, "problems": [], "notices": notices, "says": says, "looked_at": looked}
        return Told([says, *(f"note: {notice}" for notice in notices), *looked], True, told)
    says = f"not ready: {len(found)} problem{'s' if len(found) > 1 else ''}"
    lines = [line for problem in found for line in f"- {problem}".split("\n")]
    return Told([says, *lines, *looked], False, {"ready": False, "problems": found, "says": says, "looked_at": looked})


def _described(facts: Facts, settings: Settings) -> Told:
    if not facts:
        found = host_problems(facts, settings)
        return Told(found, False, {"problems": found})
    keys = ("linked", "healthy", "transaction", "versions", "history", "kept")
    return Told(status_lines(facts, settings), True, {key: facts.get(key) for key in keys})
