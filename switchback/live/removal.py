"""What deploys/remove.py takes off the hosts, and what stays: shown before anything goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
from pyinfra.api import Host, State

from agent.words.facts import Removal
from facts.survey import Unread
from switchback import typed
from switchback.document.model import HostEnd
from switchback.ended import Ended
from switchback.ending.layout import named
from switchback.hosts.gateway import for_all_hosts, look_what_goes
from switchback.hosts.inventory import command_line
from switchback.screen.preflight import somebody_can_answer
from switchback.screen.present import NothingToDo, ask_to, end_look, only_looks
from switchback.settings.errors import OfHost, Refused

NOTHING = "nothing of Switchback's is here: there is nothing to remove"
NO_ANSWER = "can't be looked at (-v shows why)"
AFTERWARDS = (
    "The site goes on as it is, also after a reboot; without its history, and with nobody to take a deploy back. "
    "deploys/provision.py and a deploy take it over again."
)


def removal() -> Removal:
    """What goes of the host at hand. Raises Refused where a host can't be looked at, or a run is open on it."""
    return for_all_hosts("removal", _look)


def _look(state: State, hosts: Sequence[Host]) -> dict[str, Removal]:
    somebody_can_answer()
    told = look_what_goes(hosts)
    problems = [OfHost(name, problem) for name, one in told.items() if (problem := _problem(one))]
    if problems:
        raise Refused(*problems)
    found = {name: one for name, one in told.items() if isinstance(one, Removal)}
    if not any(one.goes for one in found.values()):
        raise NothingToDo(*(f"[{name}] {NOTHING}" for name in found))
    for name, one in found.items():
        _show(name, one, err=not only_looks() or command_line().json_output)
    end_look([_end(name, one) for name, one in found.items()])
    ask_to(f"take Switchback off {named([name for name, one in found.items() if one.goes])}")
    return found


def _end(name: str, removal: Removal) -> HostEnd:
    ended = Ended.WOULD_CHANGE if removal.goes else Ended.NOTHING_TO_DO
    return HostEnd(host=name, outcome=ended, removal=removal)


def _problem(told: Removal | Unread) -> str:
    return told.problem if isinstance(told, Removal) else told.why or NO_ANSWER


def _show(name: str, removal: Removal, err: bool) -> None:
    click.echo(err=True)
    _list(f"[{click.style(name, bold=True)}] goes", removal.goes, err)
    _list(f"[{click.style(name, bold=True)}] stays", removal.stays, err)
    typed.show(f"    {AFTERWARDS}", command_line(), err)


def _list(heading: str, paths: Mapping[str, str], err: bool) -> None:
    click.echo(f"    {heading}", err=err)
    for path, what in paths.items():
        click.echo(f"      {path}: {what}", err=err)
