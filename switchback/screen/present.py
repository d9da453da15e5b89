"""Showing what a run would do before it does anything, keeping it as a plan, and holding a run to a plan."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from pyinfra.api import Host
from pyinfra.context import ctx_state

from agent.words import requests
from agent.words.facts import Site
from agent.words.foreseen import Foreseen
from facts.survey import Unread
from switchback import typed
from switchback.document.noted import NOTED
from switchback.ended import Ended
from switchback.hosts.gateway import look_ahead
from switchback.hosts.inventory import command_line, options
from switchback.hosts.pyinfra_words import ask
from switchback.plan import store
from switchback.plan.builder import foresee
from switchback.plan.known import Known
from switchback.plan.model import HostPreview, Preview
from switchback.preview.colour import painted
from switchback.preview.diffs import diff_lines
from switchback.preview.screen import nothing_lines, screen
from switchback.preview.text import Line, Tone
from switchback.preview.verdict import question as question_of
from switchback.runs.run import Run
from switchback.settings.errors import OfHost, Refused
from switchback.settings.options import Options

if TYPE_CHECKING:
    from switchback.document.model import HostEnd

Kind = Literal["deploy", "build", "revert", "restart", "clean"]
BLIND = "what would happen there in detail can't be found out (-v shows why)"


class Looked(Refused):
    """Ends a run that only looks, once everything has been shown: there was nothing to do."""

    exit_code = 0

    def show(self, file: object = None) -> None:
        """Add nothing."""


class LookedAtChanges(Looked):
    """The same where there is something to do, and the exit code is to say so."""

    exit_code = 2


class WouldBeRefused(Refused):
    """Ends a look at a run that would be refused."""

    def show(self, file: object = None) -> None:
        """Add nothing: the preview has shown the problems, and the run's document has them."""


class NothingToDo(Looked):
    """Ends a run in which no host has anything to do: what it says of each is the last thing on the screen."""

    def show(self, file: object = None) -> None:
        """Print what was found."""
        for line in self.problems:
            click.echo(f"    {line}", err=True)


def only_looks() -> bool:
    """Whether this run shows what would happen and ends there: --dry, or --json without -y."""
    line = command_line()
    return line.dry or (line.json_output and not line.yes)


def kept_plan() -> Preview | None:
    """The plan that this run is to do exactly, if it is to. Raises Refused when it can't be read."""
    asked = options()
    return store.load(Path(asked.plan)) if asked.plan else None


def asked_for(plan: Preview | None) -> Options:
    """What is asked for: by --data, or the very commits and versions of a plan, wherever the branches are by now."""
    asked = options()
    if plan is None:
        return asked
    if not plan.hosts:
        raise Refused(f"{typed.plan(str(asked.plan))}: it names no host")
    told, versions = plan.hosts[0], {one.version for one in plan.hosts}
    if plan.kind in ("revert", "deploy") and len(versions) == 1 and told.version:
        return asked.model_copy(update={"version": told.version, "database": told.database or asked.database})
    shas = {part: getattr(told, part).sha for part in ("code", "config") if getattr(told, part)}
    return asked.model_copy(update=shas)


def planned_deletions(plan: Preview | None, host: str) -> tuple[str, ...]:
    """The versions that a plan deletes on a host, where it is a plan to delete."""
    told = [one for one in plan.hosts if one.host == host] if plan and plan.kind == "clean" else []
    return tuple(deletion.name for one in told for deletion in one.deletions)


def look(kind: Kind, hosts: Sequence[Host], runs: Mapping[str, Run], known: Mapping[str, Known]) -> Preview:
    """Find out what a run would do on every host. Under -y alone nobody waits for it, and it is left out."""
    line, asked = command_line(), options()
    wanted = not line.yes or line.dry or asked.plan or asked.save_plan
    ahead = [host for host in hosts if wanted and runs[host.name].steps and kind != "restart"]
    found = look_ahead(ahead, lambda host: request_for(runs[host.name], known[host.name].seen, line.diff))
    blind = {name: _why_blind(told) for name, told in found.items() if isinstance(told, Unread)}
    if blind and (asked.plan or asked.save_plan):
        raise Refused(*(OfHost(name, why) for name, why in blind.items()))
    seen = {name: replace(known[name], notices=(*known[name].notices, why)) for name, why in blind.items()}
    seen |= {name: replace(known[name], found=told) for name, told in found.items() if not isinstance(told, Unread)}
    seen = {**known, **seen}
    if only_looks():
        # Whoever goes on is told by the build: what a look can't install may be installed by then.
        seen = {name: replace(one, problems=(*one.problems, *_unresolved(one.found))) for name, one in seen.items()}
    told = [foresee(run, seen[name]) for name, run in runs.items()]
    return of_hosts(kind, told)


def _why_blind(answer: Unread) -> str:
    return f"what would happen there in detail can't be told: {answer.why}" if answer.why else BLIND


def _unresolved(found: Foreseen | None) -> tuple[str, ...]:
    """Why the build of a version would fail, where that is seen already: at its packages, or at what the project is."""
    missing = found.made.missing if found and found.made else ()
    if found is None or not found.packages.refused:
        return missing
    told = found.packages
    return (
        *missing,
        told.why if told.source == "unknown" else f"packages can't be resolved: {told.why}",
    )


def of_hosts(kind: Kind, told: Sequence[HostPreview]) -> Preview:
    """A preview, as of now."""
    return Preview(kind=kind, made=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), hosts=tuple(told))


def request_for(run: Run, seen: Site, diff: bool) -> requests.Preview:
    """What a host is asked about a run: where it goes from and to."""
    versions = {one.name: one for one in seen.versions}
    built = "code" not in run.steps
    parts = ("code", "config")
    commits: dict[str, str | None] = {part: one.sha for part in parts if (one := run.about.commit(part))}
    if built:
        commits = {part: versions[run.version].commit(part) for part in parts}
    live = versions.get(run.was or "")
    return requests.Preview(
        run.settings.for_host(),
        urls=run.settings.repositories,
        was=run.was,
        version=run.version,
        built=built,
        commits={part: sha for part, sha in commits.items() if sha} if commits["code"] else {},
        live={part: live.commit(part) if live else None for part in parts},
        database=run.about.database if run.kind == "revert" else None,
        diff=diff,
        env=run.settings.env,
        secrets=run.secrets(),
        single=run.single,
    )


def present(preview: Preview, plan: Preview | None) -> None:
    """Show a preview; keep it or compare it with a plan where that is asked for.

    Raises Refused where the run would be refused, or is no longer what the plan was made for; Looked where looking was
    all that was asked for, or there is nothing to do.
    """
    line, asked, looks = command_line(), options(), only_looks()
    if looks and asked.detailed_exitcode and len(line.operations) > 1:
        raise Refused("detailed_exitcode speaks of one run: name one deploy file")
    NOTED.preview = preview
    stale = _stale(preview, plan)
    problems = [*stale, *preview.problems, *([typed.look_again()] if stale else [])]
    nothing = not problems and all(one.idle and not one.deletions for one in preview.hosts)
    if looks or not (problems or nothing):
        # What is asked for goes where a pipe takes it from, unless a program reads the document there.
        _show(preview, ["\n".join([*stale, typed.look_again()])] if stale else [], err=not looks or line.json_output)
    if asked.save_plan:
        store.save(preview, Path(asked.save_plan))
        if not typed.is_by_key():
            # The gateway says it in its own words, as the last of all.
            does = typed.plan(asked.save_plan)
            click.echo(f"    This is kept in {asked.save_plan}: {does} does exactly this", err=True)
    if problems:
        raise (WouldBeRefused if looks else Refused)(*problems)
    if _is_last():
        if looks:
            raise LookedAtChanges if asked.detailed_exitcode and preview.changes else Looked
        if nothing and len(line.operations) < 2:
            raise NothingToDo(*nothing_lines(preview))


def agree(preview: Preview) -> None:
    """Ask whether to do what was shown, where somebody is there to say so. Raises Refused where it is not to be."""
    if preview.changes:
        ask_to(question_of(preview))


def ask_to(question: str) -> None:
    """Ask whether to do what was shown, where anybody is to be asked. Raises Refused where it is not to be."""
    line = command_line()
    if not (line.yes or line.dry or line.json_output):
        ask(question)


def show(lines: Sequence[str]) -> None:
    """Show what a run that is no transaction would do, the first line as its verdict."""
    err = not only_looks() or command_line().json_output
    click.echo(err=True)
    for number, line in enumerate(lines):
        typed.show(painted(Line(line, Tone.PLAIN if number else Tone.VERDICT)), command_line(), err)


def end_look(ends: Sequence[HostEnd]) -> None:
    """End such a run where looking was all that was asked for. Raises Looked.

    + ends: what it would do on each host
    """
    if not only_looks():
        return
    NOTED.looked = ends
    if _is_last():
        changes = any(one.outcome == Ended.WOULD_CHANGE for one in ends)
        raise LookedAtChanges if options().detailed_exitcode and changes else Looked


def _stale(preview: Preview, plan: Preview | None) -> list[str]:
    """Why a plan can't be done any more."""
    changed = store.differences(plan, preview) if plan else []
    return [f"{typed.plan(options().plan or '')} can't be done as it stands:", *changed] if changed else []


def _show(preview: Preview, stale: Sequence[str], err: bool) -> None:
    click.echo(err=True)
    for one in screen(preview, stale, everything=options().show == "all"):
        typed.show(painted(one), command_line(), err)
    for one in diff_lines(preview):
        click.echo(painted(one), err=err)


def _is_last() -> bool:
    """Whether no other deploy file comes after this one."""
    return bool(ctx_state.get().current_op_file_number >= len(command_line().operations) - 1)
