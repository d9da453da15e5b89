"""What deploys/logs.py prints: the end of each log of the app, on all hosts, and on as lines come. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
import gevent
from pyinfra.api import Host, State

from agent.text.lines import lines_of
from agent.words.facts import Logged
from agent.words.requests import Logs
from facts.survey import Unread
from switchback.document.model import HostEnd, Log
from switchback.document.noted import NOTED
from switchback.ended import Ended
from switchback.hosts.gateway import for_all_hosts, look_at_logs, lost, reached
from switchback.hosts.inventory import command_line, options, settings_of
from switchback.hosts.pyinfra_words import UNREACHED
from switchback.live.leaving import leave_when_asked
from switchback.screen.inspection import NotWell, Well
from switchback.settings.errors import OfHost, Refused
from switchback.wire.calls import bring_along
from switchback.wire.results import heard_from, on_stdout

# How many lines of each are shown, unless somebody wants another number; and for how long what comes is, seconds.
LINES, FOLLOWS = 50, 3600
NO_ANSWER = "can't be looked at (-v shows why)"


def logs() -> None:
    """Show the logs. Raises NotWell where a host has none to show, or can't be looked at."""
    well = for_all_hosts("logs", _logs, among=reached)
    if not well or len(command_line().operations) < 2:
        raise Well if well else NotWell


def _logs(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
    asked, line = options(), command_line()
    if asked.follow and line.json_output:
        raise Refused("--data follow=true: what comes has no end that a document could have: leave out --json")
    lines, process, unseen = asked.lines or LINES, asked.process or "", dict.fromkeys(lost(state), UNREACHED)
    if asked.follow and not line.dry:
        unseen |= _followed(hosts, lines, process)
    else:
        told = look_at_logs(hosts, lines, process)
        unseen |= {name: problem for name, one in told.items() if (problem := _problem(one))}
        _show({name: one for name, one in told.items() if isinstance(one, Logged)}, unseen)
    for name, why in unseen.items():
        click.echo(f"    [{name}] {click.style(why, 'red')}", err=True)
    return dict.fromkeys((host.name for host in hosts), not unseen)


def _problem(told: Logged | Unread) -> str:
    return told.problem if isinstance(told, Logged) else told.why or NO_ANSWER


def _show(told: Mapping[str, Logged], unseen: Mapping[str, str]) -> None:
    NOTED.problems = [OfHost(name, why) for name, why in unseen.items()]
    NOTED.looked = [_end(name, one) for name, one in told.items() if not one.problem]
    NOTED.looked += [HostEnd(host=name, outcome=Ended.FAILED, sentence=why) for name, why in unseen.items()]
    if command_line().json_output:
        return
    for name, one in told.items():
        for text in one.texts:
            for line in lines_of(text.end):
                click.echo(f"[{name}] {text.name} | {line}")


def _end(name: str, told: Logged) -> HostEnd:
    found = [Log(name=text.name, lines=tuple(lines_of(text.end))) for text in told.texts]
    return HostEnd(host=name, outcome=Ended.DONE, logs=tuple(found))


def _followed(hosts: Sequence[Host], lines: int, process: str) -> dict[str, str]:
    """Show what comes, until it is over everywhere. Returns the hosts where it has not gone well, each with why."""
    # With the links the hosts hear that nobody reads any more.
    leave_when_asked()
    with on_stdout():
        gevent.joinall([gevent.spawn(_follow, host, lines, process) for host in hosts])
    return {host.name: why for host in hosts if (why := _why_over(host.name))}


def _follow(host: Host, lines: int, process: str) -> None:
    settings = settings_of(host)
    request = Logs(settings.for_host(), lines, process, FOLLOWS)
    bring_along(settings.site, request, timeout=FOLLOWS + 60).run_aloud(host)


def _why_over(name: str) -> str:
    heard = heard_from(name)
    return heard[-1].sentence if heard else "the link has ended"
