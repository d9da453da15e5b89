"""What deploys/manage.py does: one command of manage.py's in the live version, as the app, on one host."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click
from pyinfra.api import Host, State

from agent.words.outcomes import Outcome
from agent.words.requests import Manage
from agent.words.result import Result
from switchback.document.model import HostEnd, Managed
from switchback.document.noted import NOTED
from switchback.ended import Ended
from switchback.hosts.gateway import for_all_hosts
from switchback.hosts.inventory import command_line, options, primary_of, settings_of
from switchback.live.leaving import leave_when_asked
from switchback.screen.inspection import NotWell, Well
from switchback.settings.errors import OfHost, Refused
from switchback.settings.hooks import words_of
from switchback.settings.model import Settings
from switchback.wire.calls import bring_along
from switchback.wire.results import heard_from, on_stdout

# How long it may take, unless somebody says so, seconds.
WITHIN = 600
# Those that have a conversation, and what keeps one of them from it.
TALKS = ("shell", "shell_plus", "dbshell", "changepassword", "createsuperuser")
SILENT = {"createsuperuser": ("--noinput", "--no-input"), "shell": ("-c", "--command"), "dbshell": ("--", "-c")}
# What is said where somebody was asked, and nobody was there to answer.
ASKED = ("EOFError", "not a TTY", "running in a TTY")
NO_COMMAND = 'say which command: --data command="clearsessions --verbosity 2"'


def manage() -> None:
    """Run it. Raises NotWell with the command's own exit code; Refused where it can't be run."""
    code = for_all_hosts("manage", _manage)
    if code or len(command_line().operations) < 2:
        raise _ended(code) if code else Well


def _ended(code: int) -> NotWell:
    """What ends a run with an exit code: to click, that is the class's."""
    ended: NotWell = type("Ended", (NotWell,), {"exit_code": code})()
    return ended


def _manage(state: State, hosts: Sequence[Host]) -> dict[str, int]:
    asked = options()
    if not asked.command:
        raise Refused(NO_COMMAND)
    if not hosts:
        return {}
    words, name = words_of(asked.command), primary_of(state, hosts)
    host = next(one for one in hosts if one.name == name)
    settings = settings_of(host)
    if _talks(words):
        raise Refused(f"{words[0]} asks questions, and nobody is there to answer: {_by_hand(host, settings, words)}")
    says = f"manage.py {shlex.join(words)}, in the live version, as {settings.app_username}"
    if command_line().dry:
        NOTED.looked = [HostEnd(host=host.name, outcome=Ended.WOULD_CHANGE, sentence=f"would run {says}")]
        click.echo(f"    [{host.name}] would run {says}", err=True)
        return dict.fromkeys((one.name for one in hosts), 0)
    click.echo(f"    [{host.name}] {says}", err=True)
    leave_when_asked(f"Left. The command goes on, on {host.name}: to its end, or for {asked.timeout or WITHIN} s.")
    request = Manage(settings.for_host(), words, asked.timeout or WITHIN, asked.force)
    lines = _run(host, settings, request)
    result = heard_from(host.name)[-1] if heard_from(host.name) else Result(False, sentence="the link has ended")
    if result.outcome is Outcome.REFUSED:
        raise Refused(OfHost(host.name, result.sentence.partition(": ")[2]))
    code = result.code if result.code is not None else 1
    told = Managed(exit_code=code, lines=tuple(lines))
    ended = Ended.FAILED if code else Ended.DONE
    NOTED.looked = [HostEnd(host=host.name, outcome=ended, sentence=result.sentence, manage=told)]
    NOTED.exit_code = code
    if code:
        click.echo(f"    [{host.name}] {click.style(result.sentence, 'red')}", err=True)
        if any(word in line for line in lines for word in ASKED):
            click.echo(f"    Next: where it asks something: {_by_hand(host, settings, words)}", err=True)
    return dict.fromkeys((one.name for one in hosts), code)


def _run(host: Host, settings: Settings, request: Manage) -> list[str]:
    command = bring_along(settings.site, request, timeout=request.seconds + 60)
    if command_line().json_output:
        return command.run_beside(host)
    with on_stdout(without=host.print_prefix):
        return command.run_aloud(host)


def _talks(words: Sequence[str]) -> bool:
    return words[0] in TALKS and not any(word in SILENT.get(words[0], ()) for word in words[1:])


def _by_hand(host: Host, settings: Settings, words: Sequence[str]) -> str:
    """What a person types to run it at a terminal."""
    data = host.data
    port, key = data.get("ssh_port"), data.get("ssh_key")
    how = [*(["-p", str(port)] if port else []), *(["-i", str(key)] if key else [])]
    where = f"{data.get('ssh_user') or settings.admin_username}@{data.get('ssh_hostname') or host.name}"
    there = f"sudo -u {settings.app_username} ~{settings.app_username}/bin/manage {shlex.join(words)}"
    return shlex.join(["ssh", "-t", *how, where, there])
