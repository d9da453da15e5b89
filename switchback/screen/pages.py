"""The page of a run: made when the run has ended, kept on each of its hosts, and here where that is asked for.

Whatever becomes of it, the run has ended as it has: what goes wrong here is a warning.
"""

from __future__ import annotations

import atexit
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import click
import gevent
from pyinfra.api import Host, State

from agent.words.history import Evidence
from agent.words.requests import KeepPage, Why
from facts import past as facts
from facts.survey import Unread
from switchback.hosts.inventory import command_line, options, settings_of
from switchback.hosts.link import LOST
from switchback.past.why import SOME
from switchback.plan.model import Preview
from switchback.preview.diffs import diff_lines
from switchback.preview.screen import screen
from switchback.runs.run import Run
from switchback.whole import write_whole
from switchback.wire.calls import bring_along, to_runner
from switchback.wire.results import AgentCommand, heard_from

# How long a host may take to tell of the run, and to take its page, seconds; what comes later is let be.
WITHIN = 20.0
# So long after it has begun to act a run loads what its page is made of: nobody waits for it then, seconds.
MEANWHILE = 1.0
# What a host is asked with: its site, the request, and how long to wait, seconds.
Asks = Callable[[str, KeepPage, float], AgentCommand]
TROUBLE = (*LOST, gevent.Timeout)


def follow(state: State, runs: Sequence[Run], preview: Preview) -> None:
    """See to it that the page of a run is made once how it has ended is on the screen, and that its hosts are left only
    then. To be called before whatever shows that: what is asked for first at the end is done last."""
    acting = [run for run in runs if run.steps]
    if acting:
        gevent.spawn_later(MEANWHILE, _load)
        _at_the_end(state, partial(_keep, state, acting, preview))


def _load() -> None:
    """Load what a page is made of, while the hosts are at work."""
    try:
        from switchback.page.render import template

        template()
    except Exception:  # noqa: BLE001 - said when the page is made, which loads it once more
        return


def _page(
    told: Mapping[str, Evidence | None], deploy: str, preview: Preview | None = None, shown: Sequence[str] = ()
) -> str:
    from switchback.page.render import page
    from switchback.page.view import Told

    return page(Told(deploy, told, preview, shown))


def follow_recovery(state: State, deploys: Collection[str]) -> None:
    """See to it that runs which needed a person get their page once recover has ended them, likewise."""
    _at_the_end(state, partial(_keep_recovered, state, deploys))


def _at_the_end(state: State, work: Callable[[], None]) -> None:
    """Have something done then."""
    line = sys.modules.get("pyinfra_cli.cli")
    if line is not None:
        leave = vars(line)["disconnect_all"]
        vars(line)["disconnect_all"] = lambda _: None
        atexit.register(_do, state, work, leave)


def _do(state: State, work: Callable[[], None], leave: Callable[[State], None]) -> None:
    try:
        if state.is_executing:
            job = gevent.spawn(work)
            # The run is over: whoever presses Ctrl-C by now is tired of waiting for its page.
            signal.signal(signal.SIGINT, lambda number, frame: job.kill(block=False))
            job.join()
    finally:
        leave(state)


def _keep(state: State, runs: Sequence[Run], preview: Preview) -> None:
    deploy = runs[0].deploy
    # Those that never began know nothing of it.
    there = [host for run in runs if heard_from(run.host) and (host := state.inventory.get_host(run.host)).connected]
    try:
        told = _told_at_the_end(there, deploy)
        told |= _tell([host for host in there if host.name not in told], deploy)
        evidence = {run.host: told.get(run.host) for run in runs}
        lines = [one.text for one in screen(preview, everything=True) + diff_lines(preview)]
        text = _page(evidence, deploy, preview, lines)
        write_report(text)
        keep_on(there, deploy, text, told, to_runner)
    except Exception as problem:  # noqa: BLE001 - the run has ended, whatever becomes of its page
        _warn(f"{type(problem).__name__}: {problem}")


def _keep_recovered(state: State, deploys: Collection[str]) -> None:
    there = [host for host in state.inventory if host.connected]
    for deploy in deploys:
        try:
            of_past(state, deploy, _tell(there, deploy))
        except Exception as problem:  # noqa: BLE001 - the run has ended, whatever becomes of its page
            _warn(f"{type(problem).__name__}: {problem}")


def of_past(state: State, deploy: str, told: Mapping[str, Evidence]) -> None:
    """Make the page of a run that was looked at, where its hosts lack it or it is wanted here."""
    lacking = [name for name, one in told.items() if one.record and one.record.ended and not one.record.page]
    keeps = lacking and not command_line().dry
    if not keeps and not options().report:
        return
    text = _page({name: one for name, one in told.items() if one.record}, deploy)
    write_report(text)
    if keeps:
        keep_on([state.inventory.get_host(name) for name in lacking], deploy, text, told, bring_along)


def _told_at_the_end(hosts: Sequence[Host], deploy: str) -> dict[str, Evidence]:
    """What each host has told of the run with the answer to its commit, of those that did."""
    records = {host.name: one.record for host in hosts for one in heard_from(host.name) if one.record}
    return {name: Evidence(one) for name, one in records.items() if one.ended and one.run.deploy == deploy}


def _tell(hosts: Sequence[Host], deploy: str) -> dict[str, Evidence]:
    """What each host tells of the run, of those that do in time."""
    jobs = {host.name: gevent.spawn(_tell_of, host, Why(deploy, SOME)) for host in hosts}
    gevent.joinall(list(jobs.values()), timeout=WITHIN)
    gevent.killall([job for job in jobs.values() if not job.ready()], block=False)
    return {name: job.value for name, job in jobs.items() if job.value}


def _tell_of(host: Host, request: Why) -> Evidence | None:
    """What one host tells. As a fact, pyinfra would print that it was asked, below the last that is to be read."""
    try:
        said = bring_along(settings_of(host).site, request, WITHIN).run_unheard(host).stdout_lines
    except TROUBLE:
        return None
    found = facts.Why().process(said)
    return None if isinstance(found, Unread) else found


def keep_on(hosts: Sequence[Host], deploy: str, text: str, told: Mapping[str, Evidence], asks: Asks) -> None:
    """Keep a page on those hosts on which the run has ended; the others have none until somebody looks again.

    + asks: reaches the agent there: the runner of a run that has ended a moment ago is still there to ask
    """
    ended = [host for host in hosts if (one := told.get(host.name)) and one.record and one.record.ended]
    jobs = [gevent.spawn(_keep_on, host, KeepPage(deploy, text), asks) for host in ended]
    gevent.joinall(jobs, timeout=WITHIN)
    for host, job in zip(ended, jobs, strict=True):
        if not job.ready():
            job.kill(block=False)
            _warn(f"{host.name} did not answer within {WITHIN:.0f} s")
        elif job.value:
            _warn(f"{host.name}: {job.value}")


def _keep_on(host: Host, request: KeepPage, asks: Asks) -> str:
    """Have one host keep it. Returns why it did not."""
    before = len(heard_from(host.name))
    try:
        asks(settings_of(host).site, request, WITHIN).run_beside(host)
    except TROUBLE as problem:
        return str(problem) or type(problem).__name__
    answers = heard_from(host.name)[before:]
    del heard_from(host.name)[before:]
    return "" if answers and answers[-1].ok else answers[-1].sentence if answers else "no answer"


def write_report(text: str) -> None:
    """Write the page here as well, where that was asked for."""
    name = options().report
    if not name:
        return
    path = Path(name)
    try:
        write_whole(path, text)
    except OSError as problem:
        _warn(f"--data report={path}: {problem}")
        return
    click.echo(f"    The page of this run: {path}", err=True)


def _warn(why: str) -> None:
    click.echo(f"    WARNING: the page of this run could not be kept: {why}", err=True)
