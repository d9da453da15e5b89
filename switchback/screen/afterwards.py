"""What deploys/history.py prints of the runs of all hosts, once they have ended. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from pyinfra.api import Host, State

from facts.survey import Unread
from switchback.hosts.gateway import for_all_hosts, look_back, lost, reached
from switchback.hosts.inventory import command_line, options
from switchback.hosts.pyinfra_words import UNREACHED
from switchback.past.history import history_lines
from switchback.screen.inspection import NotWell, Well

# How many runs are told, unless somebody wants another number.
RUNS = 20
NO_ANSWER = "can't be looked at (-v shows why)"


def history() -> None:
    """Say who deployed what when, and how it ended. Raises NotWell when a host can't be looked at."""
    well = for_all_hosts("history", _history, among=reached)
    if not well or len(command_line().operations) < 2:
        raise Well if well else NotWell


def _history(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
    most = options().runs or RUNS
    told = look_back(hosts, most)
    seen = {name: past for name, past in told.items() if not isinstance(past, Unread)}
    blind = {name: past.why or NO_ANSWER for name, past in told.items() if isinstance(past, Unread)}
    blind |= dict.fromkeys(lost(state), UNREACHED)
    if command_line().json_output:
        problems = {name: {"problems": [why]} for name, why in blind.items()}
        click.echo(json.dumps({"hosts": {**{name: asdict(one) for name, one in seen.items()}, **problems}}, indent=4))
    click.echo(err=True)
    for name, why in blind.items():
        click.echo(f"    [{name}] {click.style(why, 'red')}", err=True)
    for name, past in seen.items():
        if past.open:
            click.echo(f"    [{name}] open: {past.open.says}", err=True)
    lines = history_lines(seen, most) if seen else []
    for number, line in enumerate(lines):
        click.echo(f"    {line}" if number in (0, len(lines) - 1) else f"      {line}", err=True)
    return dict.fromkeys(told, not blind)
